import type { UploadRead } from "@/lib/pressrun";

const SHOWN = ["topic", "word_count", "tone", "language"];

/** The first rows of a file that was checked, each with what is wrong with it; then what is wrong elsewhere. */
export function Preview({ checked }: { checked: UploadRead }) {
  const columns = SHOWN.filter((name) => checked.items.some((item) => name in item));
  const beside = new Map<number, string[]>();
  const elsewhere: string[] = [];
  for (const { path, message, row } of checked.errors) {
    const [, index, field] = /^items\.(\d+)(?:\.(.+))?$/.exec(path) ?? [];
    const said = [field, message].filter(Boolean).join(" ");
    if (index === undefined) elsewhere.push([path, message].filter(Boolean).join(" "));
    else if (Number(index) >= checked.items.length) elsewhere.push(`Row ${row}: ${said}`);
    else beside.set(Number(index), [...(beside.get(Number(index)) ?? []), said]);
  }
  const faults = checked.errors.length === 1 ? "1 fault" : `${checked.errors.length} faults`;
  return (
    <div className="preview">
      <p role="status" className={checked.valid ? "right" : "wrong"}>
        {checked.valid
          ? `${checked.total_items} articles: nothing is wrong with them.`
          : `${checked.total_items} articles, and ${faults}. Nothing was submitted.`}
      </p>
      {elsewhere.length > 0 && (
        <ul className="wrong">
          {elsewhere.map((said) => (
            <li key={said}>{said}</li>
          ))}
        </ul>
      )}
      {checked.items.length > 0 && (
        <div className="scrolled" tabIndex={0} role="region" aria-label="The first articles">
          <table>
            <thead>
              <tr>
                <th scope="col">Row</th>
                {columns.map((name) => (
                  <th scope="col" key={name}>
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {checked.items.map((item, index) => (
                <tr key={index} className={beside.has(index) ? "faulty" : undefined}>
                  <td>{checked.rows[index] ?? index + 1}</td>
                  {columns.map((name, place) => (
                    <td key={name}>
                      {String(item[name] ?? "")}
                      {place === 0 && beside.get(index)?.map((said) => <em key={said}>{said}</em>)}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </div>
  );
}
