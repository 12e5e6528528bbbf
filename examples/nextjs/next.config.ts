import type { NextConfig } from "next";

// Read when the application is built (`next dev`: when it starts), and then part of the build: setting it for
// `next start` changes nothing.
const pressrun = process.env.PRESSRUN_ORIGIN ?? "http://127.0.0.1:8000";

const config: NextConfig = {
  async rewrites() {
    return {
      // Asked only where no file of this application answers: routes move over one by one, as their files are deleted.
      fallback: [
        { source: "/api/bulk-generate/:path*", destination: `${pressrun}/api/bulk-generate/:path*` },
        { source: "/api/jobs/:path*", destination: `${pressrun}/api/jobs/:path*` },
      ],
    };
  },
  // Next.js cuts what is longer, and still passes it on; Pressrun takes files of 8 MB.
  experimental: { proxyClientMaxBodySize: "10mb" },
};

export default config;
