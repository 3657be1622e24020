"""The queue, with small real processes in place of a training: order, cancelling, and being found again."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

import pytest

from app import jobs, processes
from app.job import read_job
from app.job_request import FetchRequest
from app.jobs import JobQueue, JobRequest

# what a training looks like from outside: status.json, metrics.jsonl, then the direction
PRETEND = """
import json, os, pathlib, signal, sys, time
folder, steps, stubborn = pathlib.Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "stubborn"
if stubborn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
for step in range(1, steps + 1):
    (folder / "status.json").write_text(json.dumps({"state": "running", "step": step, "steps": steps, "seconds": step * 0.02}))
    with (folder / "metrics.jsonl").open("a") as file:
        file.write(json.dumps({"step": step, "loss": 1 / step}) + "\\n")
    time.sleep(0.02)
(folder / "direction.safetensors").write_text("learned")
(folder / "status.json").write_text(json.dumps({"state": "done", "step": steps, "steps": steps}))
"""


FETCH = """
import json, pathlib, sys, time
folder = pathlib.Path(sys.argv[1])
running = {"state": "running", "step": 1000, "steps": 4000, "rate": 500.0, "eta": 6.0, "note": "trying again in 2 s"}
(folder / "status.json").write_text(json.dumps(running))
while not (folder / "go").exists():
    time.sleep(0.05)
(folder / "status.json").write_text(json.dumps({"state": "done"}))
"""


def pretend(request: JobRequest, folder: Path, resume: bool) -> list[str]:
    kind = "stubborn" if "stubborn" in request.prompt else "gentle"
    return [sys.executable, "-c", PRETEND, str(folder), str(request.steps), kind]


def failing(request: JobRequest, folder: Path, resume: bool) -> list[str]:
    text = "import sys; print('working', file=sys.stderr); sys.exit('python train_eclipsed.py: part \\'tail\\' is unknown')"
    return [sys.executable, "-c", text]


@pytest.fixture
def queue(tmp_path, tidied):
    return tidied(JobQueue(tmp_path / "runs", pretend))


def request(prompt="curly hair", steps=5) -> JobRequest:
    return JobRequest(prompt=prompt, pack="tiny", device="cpu", steps=steps)


def state(job):
    return jobs.read_job(job.folder).state


def test_a_job_runs_to_its_end(queue, wait_for):
    job = queue.submit(request())
    wait_for(lambda: state(job) == "done")
    done = jobs.read_job(job.folder)
    assert (done.step, done.fraction) == (5, 1.0)
    assert [line["step"] for line in done.metrics()] == [1, 2, 3, 4, 5]
    assert done.direction.read_text() == "learned"


@pytest.mark.skipif(not hasattr(os, "getpriority"), reason="a system without niceness")
def test_a_job_leaves_the_first_turn_to_the_studio(queue, wait_for):
    """Two of them on two cores, and every move of a slider would wait for a step of the training."""
    job = queue.submit(request(steps=500))
    running = wait_for(lambda: (found := jobs.read_job(job.folder)).state == "running" and found)
    wait_for(lambda: os.getpriority(os.PRIO_PROCESS, running.pid) >= processes.PATIENT)
    processes.make_patient(2**22 + 1)  # one that has ended is no trouble


def test_one_at_a_time_in_the_order_asked(queue, wait_for):
    first, second = queue.submit(request("one", 40)), queue.submit(request("two", 5))
    wait_for(lambda: state(first) == "running")
    assert state(second) == "queued"
    wait_for(lambda: state(second) == "done")
    assert state(first) == "done"


def test_progress_and_time_to_go(queue, wait_for):
    job = queue.submit(request(steps=200))
    running = wait_for(lambda: (found := jobs.read_job(job.folder)).step > 3 and found)
    assert running.state == "running"
    assert 0 < running.fraction < 1
    assert running.eta == pytest.approx((200 - running.step) * 0.02, rel=0.2)


def test_cancelling_stops_the_process(queue, wait_for):
    job = queue.submit(request(steps=2000))
    pid = wait_for(lambda: jobs.read_job(job.folder).pid)
    queue.cancel(job.folder)
    wait_for(lambda: state(job) == "cancelled")
    assert not processes.is_alive(pid)


def test_a_job_that_ignores_sigterm_is_killed(queue, monkeypatch, wait_for):
    monkeypatch.setattr(jobs, "KILL_AFTER", 2.0)
    job = queue.submit(request("stubborn", 4000))
    wait_for(lambda: jobs.read_job(job.folder).step)
    queue.cancel(job.folder)
    wait_for(lambda: state(job) == "cancelled")


def test_a_folder_that_goes_before_its_process_is_looked_after_holds_nobody_up(queue, wait_for):
    """A search says that it is done before its process has ended, and may be deleted in between."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    queue._children["20260101-000000-gone-0000"] = child
    job = queue.submit(request("after it", 3))
    wait_for(lambda: state(job) == "done")
    wait_for(lambda: not queue._children)
    assert not (queue.runs / "20260101-000000-gone-0000").exists(), "how it ended is written into a folder that was deleted"


def test_deleting_bears_with_what_is_written_meanwhile(queue, wait_for, monkeypatch):
    job = queue.submit(request("one", 3))
    wait_for(lambda: not jobs.read_job(job.folder).active)
    wait_for(lambda: not queue._children)
    tries, rmtree = [], shutil.rmtree

    def refused_once(folder):
        tries.append(folder)
        if len(tries) == 1:
            raise OSError(39, "Directory not empty")
        rmtree(folder)

    monkeypatch.setattr("app.job.shutil.rmtree", refused_once)
    jobs.read_job(job.folder).delete()
    assert len(tries) == 2 and not job.folder.exists()


def test_cancelling_one_that_waits_never_starts_it(queue, wait_for):
    first, second = queue.submit(request("one", 100)), queue.submit(request("two", 5))
    queue.cancel(second.folder)
    assert state(second) == "cancelled"
    wait_for(lambda: state(first) == "done")
    assert state(second) == "cancelled"
    assert not (second.folder / "status.json").exists()


def test_a_new_queue_finds_a_running_job_and_can_cancel_it(queue, wait_for):
    job = queue.submit(request(steps=2000))
    wait_for(lambda: state(job) == "running")
    queue.close()
    later = JobQueue(queue.runs, pretend)
    assert [found.state for found in later.jobs()] == ["running"]
    later.cancel(job.folder)
    wait_for(lambda: state(job) == "cancelled")
    later.close()


def test_a_job_queued_before_a_restart_is_started_after_it(tmp_path, wait_for):
    idle = JobQueue(tmp_path, pretend)
    idle.close()
    job = idle.submit(request())
    assert state(job) == "queued"
    again = JobQueue(tmp_path, pretend)
    wait_for(lambda: state(job) == "done")
    again.close()


def test_a_killed_job_is_interrupted_and_can_be_resumed(queue, wait_for):
    job = queue.submit(request(steps=60))
    pid = wait_for(lambda: jobs.read_job(job.folder).step and jobs.read_job(job.folder).pid)
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: state(job) == "interrupted")
    queue.resume(job.folder)
    wait_for(lambda: state(job) == "done")


def test_a_job_that_goes_on_already_or_was_deleted_is_not_continued(queue, wait_for):
    """Two tabs press Continue, or one does when the other has deleted it."""
    job = queue.submit(request(steps=2000))
    pid = wait_for(lambda: jobs.read_job(job.folder).step and jobs.read_job(job.folder).pid)
    queue.resume(job.folder)
    assert jobs.read_job(job.folder).pid == pid
    queue.cancel(job.folder)
    wait_for(lambda: state(job) == "cancelled")
    shutil.rmtree(job.folder)
    queue.resume(job.folder)
    queue.cancel(job.folder)
    assert not job.folder.exists()


def test_a_failed_job_says_why_in_one_sentence(tmp_path, wait_for):
    queue = JobQueue(tmp_path, failing)
    job = queue.submit(request())
    wait_for(lambda: state(job) == "failed")
    assert jobs.read_job(job.folder).message == "part 'tail' is unknown"
    queue.close()


OUT_OF_MEMORY = {
    "torch on a GPU": "sys.exit('python train_eclipsed.py: CUDA out of memory. Tried to allocate 2.00 GiB')",
    "torch on the processor": "raise RuntimeError(\"DefaultCPUAllocator: can't allocate memory: you tried to allocate 68719476736 bytes.\")",
    "Python": "bytearray(1 << 62)",
    "the system": "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
}


@pytest.mark.parametrize("end", OUT_OF_MEMORY.values(), ids=OUT_OF_MEMORY.keys())
def test_a_job_that_ran_out_of_memory_is_known_as_one_and_the_queue_goes_on(tmp_path, wait_for, end):
    queue = JobQueue(tmp_path, lambda request, folder, resume: [sys.executable, "-c", f"import sys; {end}" if "big" in request.prompt else PRETEND,
                                                                str(folder), "3", "gentle"])
    big, small = queue.submit(request("a big one")), queue.submit(request("a small one"))
    wait_for(lambda: state(big) in ("failed", "interrupted") and jobs.read_job(big.folder).out_of_memory)
    wait_for(lambda: state(small) == "done")
    assert not jobs.read_job(small.folder).out_of_memory
    queue.close()


def test_less_memory_is_half_the_batch_until_it_is_one():
    assert [asked.batch_size for asked in (request().with_less_memory(), JobRequest("x", "p", batch_size=3).with_less_memory())] == [2, 1]
    assert JobRequest("x", "p", batch_size=1).with_less_memory() is None


def test_a_download_stands_in_a_queue_of_its_own_and_tells_bytes(tmp_path, wait_for):
    command = lambda request, folder, resume: pretend(request, folder, resume) if isinstance(request, JobRequest) else [
        sys.executable, "-c", FETCH, str(folder)]
    queue = JobQueue(tmp_path, command)
    training = queue.submit(request(steps=3000))
    fetching = queue.submit(FetchRequest("ffhq-1024"))
    job = wait_for(lambda: (found := jobs.read_job(fetching.folder)).step and found)
    assert (job.state, job.step, job.steps, job.rate, job.eta, job.message) == ("running", 1000, 4000, 500.0, 6.0, "trying again in 2 s")
    assert state(training) in ("queued", "running") and job.fetches and job.request == FetchRequest("ffhq-1024")
    (fetching.folder / "go").touch()
    wait_for(lambda: state(fetching) == "done")
    queue.cancel(training.folder)
    wait_for(lambda: state(training) == "cancelled")
    queue.close()


def test_a_download_s_command_and_what_is_refused(tmp_path, queue):
    words = jobs.job_command(FetchRequest("ffhq-1024"), tmp_path, resume=True)
    assert words[1:] == ["-m", "packs", "fetch", "ffhq-1024", "--accept-licence", "--status", str(tmp_path / "status.json")]
    with pytest.raises(ValueError, match="not one that can be downloaded"):
        queue.submit(FetchRequest("none"))


def test_an_empty_prompt_is_refused(queue):
    with pytest.raises(ValueError, match="prompt is empty"):
        queue.submit(request("  "))


def test_a_runs_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    queue = JobQueue(tmp_path / "file", pretend)
    with pytest.raises(ValueError, match="cannot write in"):
        queue.submit(request())


def test_a_half_written_metrics_line_is_left_out(tmp_path):
    (tmp_path / "metrics.jsonl").write_text('{"step": 1}\n{"step": 2, "lo')
    (tmp_path / "job.json").write_text(json.dumps({"request": {"prompt": "x", "pack": "p"}, "created": 1}))
    assert jobs.read_job(tmp_path).metrics() == [{"step": 1}]


def test_folders_that_are_no_jobs_are_passed_over(tmp_path):
    (tmp_path / "notes").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "job.json").write_text("{")
    for name, asked in (("later", {"kind": "animate", "prompt": "x", "pack": "p"}), ("cut", {"prompt": "x"})):
        (tmp_path / name).mkdir()
        (tmp_path / name / "job.json").write_text(json.dumps({"request": asked, "created": 1}))
    assert JobQueue(tmp_path, pretend).jobs() == []


def test_a_number_that_another_process_got_later_is_not_ours():
    assert processes.is_alive(os.getpid(), processes.birth(os.getpid()))
    assert not processes.is_alive(os.getpid(), "1")


def test_the_command_is_what_one_would_type(tmp_path):
    words = jobs.train_command(JobRequest("blonde hair", "portraits", part="hair", layers="3,4", steps=30), tmp_path, resume=False)
    assert words[2:] == ["--pack", "portraits", "--part", "hair", "--device", "auto", "--seed", "0", "--layers", "3,4", "--steps", "30", "--out", str(tmp_path), "--", "blonde hair"]
    assert jobs.train_command(JobRequest("x", "p"), tmp_path, resume=True)[-4:] == ["--resume", str(tmp_path), "--", "x"]


def test_without_proc_a_silent_process_is_not_taken_for_ours(tmp_path):
    record = {"request": {"prompt": "x", "pack": "p"}, "created": 1.0, "pid": os.getpid(), "born": None}
    (tmp_path / "job.json").write_text(json.dumps(record))
    (tmp_path / "status.json").write_text(json.dumps({"state": "running", "step": 3, "heartbeat": time.time()}))
    assert jobs.read_job(tmp_path).state == "running"
    (tmp_path / "status.json").write_text(json.dumps({"state": "running", "step": 3, "heartbeat": 1.0}))
    assert jobs.read_job(tmp_path).state == "interrupted"


def test_a_claim_whose_server_died_is_dropped(tmp_path, monkeypatch, wait_for):
    idle = JobQueue(tmp_path, pretend)
    idle.close()
    job = idle.submit(request())
    (job.folder / "claim").touch()
    monkeypatch.setattr(jobs, "CLAIM_SECONDS", 0.0)
    queue = JobQueue(tmp_path, pretend)
    wait_for(lambda: state(job) == "done")
    queue.close()


@pytest.mark.parametrize("phase", ["calibrating", "reporting", "done"])
def test_what_follows_the_last_step_is_told_in_words(tmp_path, phase):
    from app.job import Job
    from app.panels.training import progress_text

    text = progress_text(Job(tmp_path, request(), "running", 1.0, step=5, steps=5, eta=0.0, phase=phase))
    assert text.startswith("Learned; ") and phase not in text
    assert progress_text(Job(tmp_path, request(), "running", 1.0, step=5, steps=5, eta=0.0, phase="running")) == "Step 5 of 5, about 0 s to go"


def test_a_training_that_takes_no_step_is_as_far_as_its_last_phases(tmp_path):
    """A named colour; what was asked for does not make it seventy-five steps."""
    (tmp_path / "job.json").write_text(json.dumps({"request": asdict(JobRequest("a person with pink hair", "portraits", steps=75)), "created": 1.0}))
    (tmp_path / "status.json").write_text(json.dumps({"state": "running", "step": 0, "steps": 0, "phase": "calibrating"}))
    job = read_job(tmp_path)
    assert (job.step, job.steps, job.fraction) == (0, 0, 1.0)
