"""No job runs code that has been changed since."""

import time


def test_a_changed_module_is_seen_by_the_next_job(workplace):
    errors = workplace.package / "errors.py"
    code = "import bevatron.errors as e; print(getattr(e, 'VALUE', None))"
    assert workplace.run(code)[1] == "None\n"
    for value in (1, 2, 3):
        time.sleep(0.01)
        errors.write_text(errors.read_text() + f"\nVALUE = {value}\n")
        assert workplace.run(code)[1] == f"{value}\n"


def test_a_module_that_is_put_back_is_seen(workplace):
    errors = workplace.package / "errors.py"
    before = errors.read_text()
    code = "import bevatron.errors as e; print(getattr(e, 'VALUE', None))"
    errors.write_text(before + "VALUE = 1\n")
    assert workplace.run(code)[1] == "1\n"
    errors.write_text(before)
    assert workplace.run(code)[1] == "None\n"


def test_a_new_component_is_found(workplace):
    code = "import bevatron, os, pkgutil; print(sorted(m.name for m in pkgutil.iter_modules(bevatron.__path__)))"
    parent = "import os; print(os.getppid())"
    before = workplace.run(parent)[1]
    assert workplace.run(parent)[1] == before
    (workplace.package / "added.py").write_text("")
    assert "added" in workplace.run(code)[1]
    assert workplace.run(parent)[1] != before


def test_an_error_in_a_changed_module_is_the_jobs_own(workplace):
    assert workplace.run("print(1)")[0] == 0
    (workplace.package / "errors.py").write_text("def broken(:\n")
    code, _, errors = workplace.run("import bevatron.errors")
    assert code == 1
    assert "SyntaxError" in errors
