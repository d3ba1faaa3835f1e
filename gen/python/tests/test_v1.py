"""spinegate.v1 exports what is in its modules: all of it, and nothing twice."""

import importlib
import pkgutil
import types
import unittest

from spinegate import v1

# What the generators put into each module beside the contract.
MACHINERY = {"DESCRIPTOR", "GRPC_GENERATED_VERSION", "GRPC_VERSION"}


class Exports(unittest.TestCase):
    def test_every_name_of_every_module(self) -> None:
        for found in pkgutil.iter_modules(v1.__path__):
            module = importlib.import_module(f"{v1.__name__}.{found.name}")
            for name, value in vars(module).items():
                if name.startswith("_") or name in MACHINERY or isinstance(value, types.ModuleType):
                    continue
                with self.subTest(module=found.name, name=name):
                    self.assertIs(getattr(v1, name, None), value)

    def test_messages_enums_values_and_clients(self) -> None:
        for name in ("TracePatientRequest", "ClinicalArea", "CLINICAL_AREA_ALLERGIES", "PatientTraceStub"):
            with self.subTest(name=name):
                self.assertTrue(hasattr(v1, name))


if __name__ == "__main__":
    unittest.main()
