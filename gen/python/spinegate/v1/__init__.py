"""Messages, enums and clients of the package spinegate.v1, each under its own name: ``v1.TracePatientRequest``,
``v1.PatientTraceStub``. Which module they are generated into is of no concern."""

# Each module that is generated has a line here, or tests/test_v1.py fails.
from spinegate.v1.appointments_pb2 import *
from spinegate.v1.capabilities_pb2 import *
from spinegate.v1.common_pb2 import *
from spinegate.v1.documents_pb2 import *
from spinegate.v1.endpoint_directory_pb2 import *
from spinegate.v1.endpoint_directory_pb2_grpc import *
from spinegate.v1.errors_pb2 import *
from spinegate.v1.foundations_pb2 import *
from spinegate.v1.gp_connect_pb2 import *
from spinegate.v1.gp_connect_pb2_grpc import *
from spinegate.v1.patient_trace_pb2 import *
from spinegate.v1.patient_trace_pb2_grpc import *
from spinegate.v1.record_allergy_pb2 import *
from spinegate.v1.record_consultation_pb2 import *
from spinegate.v1.record_document_pb2 import *
from spinegate.v1.record_entry_pb2 import *
from spinegate.v1.record_html_pb2 import *
from spinegate.v1.record_immunisation_pb2 import *
from spinegate.v1.record_investigation_pb2 import *
from spinegate.v1.record_medication_pb2 import *
from spinegate.v1.record_outcome_pb2 import *
from spinegate.v1.record_parts_pb2 import *
from spinegate.v1.record_pb2 import *
from spinegate.v1.record_people_pb2 import *
from spinegate.v1.record_problem_pb2 import *
from spinegate.v1.record_request_pb2 import *

del DESCRIPTOR  # each module has its own
