import pytest
import torch

from cbir.encoders.device import PRECISIONS, choose_device, choose_dtype, resolve_device_name
from cbir.errors import InputError

PRESENT = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"


def test_auto_is_the_fastest_device_of_this_machine():
    assert choose_device("auto").type == PRESENT
    assert resolve_device_name("auto") == PRESENT


def test_a_missing_device_is_named_with_the_devices_of_this_machine():
    missing = "mps" if PRESENT != "mps" else "cuda"
    with pytest.raises(InputError, match=f"{missing} is not on this machine; it has .*cpu"):
        choose_device(missing)


def test_a_device_name_with_a_number_is_of_its_type():
    assert (resolve_device_name("cuda:1"), resolve_device_name("cpu")) == ("cuda", "cpu")


def test_every_precision_is_a_type_of_torch():
    assert [choose_dtype(name) for name in PRECISIONS] == [torch.float32, torch.bfloat16, torch.float16]
