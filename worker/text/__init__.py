"""The article pipeline's work on texts: pure functions that know nothing of jobs, stages, HTTP or storage."""
