"""What Snakemake writes into its log is understood: its words come from Snakemake itself."""

from workflow_folder import WrittenLog, touch

from bevatron.watch.job_key import JobKey
from bevatron.watch.snakemake_log import SnakemakeLog, newest_logs

TRAIN = JobKey("train", "curve", "net")


def look(path) -> SnakemakeLog:
    log = SnakemakeLog(path)
    log.look()
    return log


def test_a_job_starts_and_finishes(tmp_path):
    written = WrittenLog(tmp_path)
    job = written.start("train", "logs/train/curve/net.log", study="curve", model="net")
    log = look(written.path)
    assert [(found.key, found.log, found.remote) for found in log.running] == [
        (TRAIN, "logs/train/curve/net.log", False)
    ]
    written.finish(job)
    written.progress(1, 12)
    log.look()
    assert log.running == []
    assert (log.jobs[TRAIN].state, log.n_done, log.n_steps, log.ended) == ("finished", 1, 12, None)
    assert log.mean_seconds("train", "curve") is not None


def test_a_job_that_failed_and_is_started_again_no_longer_counts_as_failed(tmp_path):
    written = WrittenLog(tmp_path)
    job = written.start("train", "a.log", study="curve", model="net")
    written.fail(job, "train", "a.log")
    log = look(written.path)
    assert [found.key for found in log.failed] == [TRAIN]
    written.say(f"Trying to restart job {job}.")
    log.look()
    assert log.failed == []
    written.start("train", "a.log", study="curve", model="net")
    log.look()
    assert [found.key for found in log.running] == [TRAIN]


def test_what_a_failed_jobs_own_log_says_is_not_taken_for_snakemakes_words(tmp_path, monkeypatch):
    """A batch job's log has the words of a Snakemake of its own."""
    monkeypatch.chdir(tmp_path)
    written = WrittenLog(tmp_path)
    other = written.start("evaluate", "b.log", study="curve", model="net")
    job = written.start("train", "a.log", study="curve", model="net")
    (tmp_path / "a.log").write_text(f"Finished jobid: {other} (Rule: evaluate)\nComplete log(s): x\n")
    written.fail(job, "train", "a.log")
    log = look(written.path)
    assert "Complete log" in written.path.read_text()
    assert [found.key.rule for found in log.running] == ["evaluate"]
    assert log.ended is None
    written.finish(other, "evaluate")
    log.look()
    assert log.running == []


def test_jobs_of_a_group_fail_together(tmp_path):
    written = WrittenLog(tmp_path)
    first = written.start("simulate", "s0.log", local=False, study="curve", shard="0000")
    second = written.start("prepare", "p0.log", local=False, study="curve", shard="0000")
    third = written.start("simulate", "s1.log", local=False, study="curve", shard="0001")
    written.fail_group((first, "simulate", "s0.log"), (second, "prepare", "p0.log"))
    log = look(written.path)
    assert {found.key.rule for found in log.failed} == {"simulate", "prepare"}
    assert [found.key for found in log.running] == [JobKey("simulate", "curve", "0001")]
    assert log.running[0].remote
    written.finish(third, "simulate")
    log.look()
    assert log.running == []


def test_each_way_in_which_snakemake_ends(tmp_path):
    for number, (words, ended) in enumerate(
        [
            ("Nothing to be done (all requested files are present and up to date).", "finished"),
            ("Exiting because a job execution failed. Look above for error messages", "failed"),
            ("Terminating processes on user request, this might take some time.", "stopped"),
            ("2 of 2 steps (100%) done\nComplete log(s): /x", "finished"),
            ("Select jobs to execute...", None),
        ]
    ):
        written = WrittenLog(tmp_path, f"run-{number}")
        written.say(words)
        assert look(written.path).ended == ended, words


def test_a_log_is_read_byte_by_byte_as_it_grows(tmp_path):
    """A write may be seen in parts, at any byte."""
    written = WrittenLog(tmp_path)
    job = written.start("train", "ä.log", study="curve", model="net")
    other = written.start("evaluate", "b.log", study="curve", model="net")
    written.finish(job)
    written.progress(1, 3)
    written.fail(other, "evaluate", "b.log")
    content = written.path.read_bytes()
    growing = tmp_path / "growing.log"
    growing.write_bytes(b"")
    log = SnakemakeLog(growing)
    with growing.open("ab", buffering=0) as file:
        for byte in content:
            file.write(bytes([byte]))
            log.look()
    whole = look(written.path)
    assert log.jobs == whole.jobs
    assert (log.n_done, log.n_steps) == (1, 3)


def test_a_log_that_is_away_or_no_text_changes_nothing(tmp_path):
    log = SnakemakeLog(tmp_path / "none.log")
    assert not log.look()
    (tmp_path / "none.log").write_bytes(bytes(range(256)) * 100)
    assert log.look()
    assert log.jobs == {}


def test_logs_come_newest_first(tmp_path):
    assert newest_logs(tmp_path) == []
    touch(tmp_path / ".snakemake/log/2026-11-30T095432.682289.snakemake.log")
    touch(tmp_path / ".snakemake/log/2026-12-01T000000.000000.snakemake.log")
    assert [path.name[:10] for path in newest_logs(tmp_path)] == ["2026-12-01", "2026-11-30"]
