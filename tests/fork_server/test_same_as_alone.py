"""A job of the fork server and the same command by itself: outputs, exit codes, signals, and what a process gets."""

import os
import subprocess
import sys

import pytest

CODES = {
    "prints": "print('ä', end=''); import sys; print('and errors', file=sys.stderr)",
    "ends": "pass",
    "exits": "import sys; sys.exit(3)",
    "exits with a number beyond a byte": "import sys; sys.exit(259)",
    "exits with words": "import sys; sys.exit('no such file')",
    "exits with nothing": "import sys; sys.exit(None)",
    "raises": "raise ValueError('wrong')",
    "is interrupted": "import os, signal; os.kill(os.getpid(), signal.SIGINT); import time; time.sleep(9)",
    "is terminated": "import os, signal; os.kill(os.getpid(), signal.SIGTERM); import time; time.sleep(9)",
    "is killed": "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
    "crashes": "import ctypes; ctypes.string_at(0)",
    "leaves at once": "import os; os._exit(7)",
    "says good-bye": "import atexit; atexit.register(print, 'good-bye')",
    "waits for its threads": "import threading, time\n"
    "threading.Thread(target=lambda: (time.sleep(0.2), print('thread'))).start()",
    "does not wait for daemons": "import threading, time\n"
    "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()",
    "reads": "print(input())",
    "knows its arguments": "import sys; print(sys.argv, sys.path[1:])",
    "knows its folder": "import os; print(os.getcwd())",
    "knows its environment": "import os; print(sorted(item for item in os.environ.items() if item[0] != '_'))",
    "knows its umask": "import os; print(os.umask(0))",
    "has limits": "import resource as r; print([r.getrlimit(k) for k in (r.RLIMIT_NOFILE, r.RLIMIT_AS)])",
    "has no children": "import psutil; print(psutil.Process().children())",
    "has no open files beside": "import os; print(len([f for f in os.listdir('/proc/self/fd') if int(f) < 3]))",
    "has threads for numbers": "import numpy as np; a = np.ones((300, 300)); print((a @ a).sum())",
    "starts others": "import subprocess; print(subprocess.run(['sh', '-c', 'pwd; umask']).returncode)",
    "forks": "import multiprocessing as m\nwith m.get_context('fork').Pool(2) as pool: print(pool.map(abs, [-1, -2]))",
    "has handlers as new": "import signal; print(signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGCHLD),"
    " signal.getsignal(signal.SIGINT) is signal.default_int_handler, signal.set_wakeup_fd(-1))",
}  # fmt: skip


def scrubbed(text: str) -> str:
    """Without line numbers of the frames that differ."""
    return "\n".join(
        line for line in text.splitlines() if not line.lstrip().startswith(("File ", "main()", "code =", "^"))
    )


@pytest.mark.parametrize("name", CODES)
def test_a_job_is_as_it_is_alone(workplace, name):
    how = {"stdin": subprocess.PIPE} if name == "reads" else {}
    results = []
    for by_server in (True, False):
        process = workplace.start(CODES[name], by_server, **how)
        output, errors = process.communicate("from the input\n" if how else None, timeout=60)
        results.append((process.returncode, output, scrubbed(errors).splitlines()[-1:]))
    assert results[0] == results[1]
    assert "starts by itself" not in errors


def test_jobs_come_from_one_template(workplace):
    code = "import os; print(os.getppid())"
    parents = {workplace.run(code)[1] for _ in range(3)}
    assert parents == {f"{workplace.templates()[0].pid}\n"}
    assert workplace.run(code, by_server=False)[1] == f"{os.getpid()}\n"


def test_another_environment_has_another_template(workplace):
    code = "import os; print(os.getppid(), os.environ.get('OMP_NUM_THREADS'))"
    answers = {workplace.run(code, env={"OMP_NUM_THREADS": str(n)})[1] for n in (1, 2, 1, 2)}
    assert len(answers) == 2
    assert len(workplace.templates()) == 2


def test_more_environments_than_templates_start_by_themselves(workplace):
    from bevatron.fork_server.server import MAX_TEMPLATES

    answers = [workplace.run("print(1)", env={"X": str(n)}) for n in range(MAX_TEMPLATES + 1)]
    assert [answer[:2] for answer in answers] == [(0, "1\n")] * (MAX_TEMPLATES + 1)
    assert ["starts by itself" in answer[2] for answer in answers] == [False] * MAX_TEMPLATES + [True]


def test_one_job_has_no_effect_on_the_next(workplace):
    change = (
        "import os, sys, json, numpy as np, resource, bevatron.errors\n"
        "os.environ['LEFT'] = 'x'; os.chdir('/'); os.umask(0o077); json.left = 1; sys.path.append('/left')\n"
        "np.random.seed(1); bevatron.errors.left = 1; resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))\n"
    )
    look = (
        "import os, sys, json, numpy as np, resource, bevatron.errors\n"
        "print('LEFT' in os.environ, os.getcwd(), os.umask(0), hasattr(json, 'left'), '/left' in sys.path,"
        " hasattr(bevatron.errors, 'left'), resource.getrlimit(resource.RLIMIT_NOFILE))"
    )
    before = workplace.run(look)
    assert workplace.run(change) == (0, "", "")
    assert workplace.run(look) == before


def test_jobs_draw_different_numbers_and_names(workplace):
    code = (
        "import random, tempfile, numpy as np, uuid\n"
        "print(random.random(), np.random.rand(), next(tempfile._get_candidate_names()), uuid.uuid4())"
    )
    one, two = (workplace.run(code)[1].split() for _ in range(2))
    assert not set(one) & set(two)


@pytest.mark.parametrize("limits", [["nice", "-n", "3"], ["prlimit", "--nofile=100"], ["taskset", "-c", "0"]])
def test_what_the_server_cannot_give_a_job_it_starts_by_itself(workplace, limits):
    if limits[0] == "taskset" and len(os.sched_getaffinity(0)) == 1:
        pytest.skip("one core: no job can have fewer")
    code = "import os, resource; print(os.nice(0), resource.getrlimit(resource.RLIMIT_NOFILE), os.sched_getaffinity(0))"
    by_server, alone = (workplace.run(code, by_server, wrapped=limits) for by_server in (True, False))
    assert by_server[:2] == alone[:2]
    assert by_server[2].count("\n") == 1
    assert "this job starts by itself" in by_server[2]


def test_ignored_signals_stay_ignored(workplace):
    code = "import signal; print(signal.getsignal(signal.SIGHUP) == signal.SIG_IGN)"
    assert workplace.run(code, wrapped=["nohup"])[1] == "True\n"
    assert workplace.run(code)[1] == "False\n"


@pytest.mark.parametrize(("unbuffered", "code"), [("", 120), ("1", 1)])
def test_a_full_disk_is_the_same_failure(workplace, unbuffered, code):
    for by_server in (True, False):
        with open("/dev/full", "w") as full:
            how = {"stdout": full, "env": {"PYTHONUNBUFFERED": unbuffered}}
            assert workplace.run("print('x' * 100)", by_server, **how)[0] == code


def test_a_closed_output_needs_no_server(workplace):
    results = [
        subprocess.run(
            ["sh", "-c", f"{sys.executable} -m bevatron 'import sys; sys.exit(sys.stdin is None)' <&-"],
            env={**workplace.environment, **extra}, cwd=workplace.root, capture_output=True,
        ).returncode
        for extra in ({"BEVATRON_FORK_SERVER": str(workplace.folder / "socket")}, {})
    ]  # fmt: skip
    assert results[0] == results[1]


def test_what_few_jobs_need_is_imported_when_the_first_of_them_comes(workplace):
    code = "import os, sys; print(os.getppid(), 'colorsys' in sys.modules, os.environ.get('RAY_JOB_ID'))"
    before, first, after = (workplace.run(text)[1].split() for text in (code, f"{code} # RAY", code))
    assert [before[1:], first[1:], after[1:]] == [["False", "None"], ["True", "None"], ["True", "None"]]
    assert before[0] == first[0] == after[0], "by one template"
    assert workplace.run(code)[0] == 0, "and what it has imported since is what lies in the files"
