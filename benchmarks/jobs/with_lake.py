"""The job by the lake: bronze, silver, quarantine and gold as Delta tables, audited and released."""

import json
import time
from pathlib import Path

from benchmarks.jobs import main, other_files, visit_files
from carti_lake import Lake

#: Where the job leaves the processor seconds of each of its steps, in their order.
STEPS = "steps.json"


def job(extracts: Path, output: Path, kind: str) -> None:
    """Load the extracts and run; a lake keeps everything in any case, and knows what each step took."""
    began: list[tuple[str, float]] = [("start", 0.0)]

    def progress(step: str) -> None:
        began.append((step, time.process_time()))

    lake = Lake(output / "lake")
    stays, crm = other_files(extracts)
    progress("load")
    lake.load("ehr_visits", *visit_files(extracts))
    lake.load("sg2_patient_flow", stays)
    lake.load("salesforce_crm", crm)
    progress("plan")
    result = lake.run(progress=progress)
    if result.release is None:
        raise SystemExit(f"No release: {result.failed}")
    ended = [at for _, at in began[1:]] + [time.process_time()]
    taken = {step: end - begin for (step, begin), end in zip(began, ended, strict=True)}
    (output / STEPS).write_text(json.dumps(taken))


if __name__ == "__main__":
    main(job)
