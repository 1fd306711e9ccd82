"""Who asks is found out once, however many requests ask it at the same moment."""

import time

import pytest

from carti_lake.serve.app import create_app
from tests.doubles.readers import see
from tests.serve.conftest import PATIENT, key
from tests.serve.in_process import InProcess


@pytest.mark.parametrize(("name", "status"), [("all", 200), ("wrong", 401)])
def test_a_key_is_looked_up_once_for_all_requests_that_bear_it(served, name, status):
    context = []

    def slowly(credential):
        context.append(credential)
        time.sleep(0.2)
        return served.viewers.get(credential)

    app = create_app(served.lake, authenticate=slowly, see=see, write=len, settings=PATIENT)
    with InProcess(app) as client:
        answers = client.together([("GET", "/v1/service-lines", {"headers": key(name)})] * 30)
    assert {one.status_code for one in answers} == {status}
    assert context == [name]
