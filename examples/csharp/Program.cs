// Walks the whole road with spinegate: who is the patient, which system answers for the practice, what can it do, the record, free
// slots, a booking, and what failures look like. Not built or run by spinegate's tests: see README.md.
using System.Diagnostics;
using Example;
using Grpc.Core;
using Spinegate.V1;

const string Patient = "9990000018";

var admin = System.Environment.GetEnvironmentVariable("SPINEGATE_ADMIN") ?? "127.0.0.1:9090";
var address = System.Environment.GetEnvironmentVariable("SPINEGATE_ADDRESS") ?? "127.0.0.1:50051";
// In clear text, for a sandbox on this machine.
using var gateway = new Gateway($"http://{address}", await Tokens.OfSandboxAsync(admin, "clinician"));

// What is done for one patient is one encounter: within it the directory is asked once, and another patient is refused.
var encounter = new CallContext { SessionId = Guid.NewGuid().ToString() };

var practice = await TraceAsync();
await SearchAsync();
await ResolveAsync();
await CapabilitiesAsync();
await RecordAsync();
await BookAsync(await FirstSlotAsync());
await FailuresAsync();

// Asks PDS who the patient is, compares them with what we hold, and learns where they are registered.
async Task<string> TraceAsync()
{
    // .NET's HTTP client sends the current activity as W3C trace context. The gateway goes on with it, and gives the id back.
    using var activity = new Activity("trace").Start();
    var request = new TracePatientRequest
    {
        Context = encounter,
        NhsNumber = Patient,
        Expected = new ExpectedDemographics { Family = "Testwell", BirthDate = "1992" },
    };
    var answer = await gateway.Patients.TracePatientAsync(request);
    var registration = answer.Registration;
    Console.WriteLine(
        $"trace: {answer.Patient.Name.Family}, family name {answer.Comparison.Family}, {registration.Status} at {registration.OdsCode}");
    var passedOn = answer.Provenance.TraceIds.TraceId == activity.TraceId.ToHexString();
    Console.WriteLine($"trace: the gateway went on with our trace: {passedOn}");
    return registration.OdsCode;
}

// Finds people by demographics, in no encounter. An empty list proves nothing while AbsenceNotProven is true.
async Task SearchAsync()
{
    var request = new SearchPatientsRequest
    {
        Family = "Testwell",
        Given = { "Ada" },
        BirthDateStart = "1990-01-01",
        BirthDateEnd = "1995-12-31",
    };
    var answer = await gateway.Patients.SearchPatientsAsync(request);
    Console.WriteLine($"search: {answer.Matches.Count} found, absence not proven: {answer.AbsenceNotProven}");
}

// Asks the directory which system answers. The other methods do this by themselves.
async Task ResolveAsync()
{
    var request = new ResolveEndpointRequest
    {
        Context = encounter,
        OdsCode = practice,
        Interaction = new Interaction { Known = KnownInteraction.GetStructuredRecord },
    };
    var answer = await gateway.Directory.ResolveEndpointAsync(request);
    Console.WriteLine($"resolve: {answer.Endpoint.Asid}");
}

// Asks the practice's system what it can do.
async Task CapabilitiesAsync()
{
    var request = new GetCapabilitiesRequest { Context = encounter, OdsCode = practice };
    var answer = await gateway.Practices.GetCapabilitiesAsync(request);
    foreach (var root in answer.Roots)
    {
        Console.WriteLine($"capabilities: {root.Capability} {root.Support}");
    }
}

// Streams the structured record. It is whole if the stream ended with OK, what arrived has the digest that was said, and the verdict
// is Whole: use nothing of it as if it were complete otherwise.
async Task RecordAsync()
{
    var request = new GetStructuredRecordRequest { Context = encounter, NhsNumber = Patient };
    using var call = gateway.Practices.GetStructuredRecord(request);
    using var check = new RecordCheck();
    await foreach (var message in call.ResponseStream.ReadAllAsync())
    {
        check.Take(message);
        if (message.EventCase == GetStructuredRecordResponse.EventOneofCase.Patient) // always before anything clinical
        {
            var comparison = message.Patient.Comparison;
            Console.WriteLine($"record: of the patient: family name {comparison.Family}, birth date {comparison.BirthDate}");
        }
    }
    var digest = check.End();
    Console.WriteLine($"record: {digest} agrees, {check.Closing?.Verdict}");
}

// Takes the first free slot of the next week. Leaving the method disposes of the call, which cancels the search and stops what is
// still being asked.
async Task<Slot> FirstSlotAsync()
{
    var today = DateOnly.FromDateTime(DateTime.Now);
    var request = new SearchSlotsRequest
    {
        Context = encounter,
        OdsCodes = { practice, "H86007" },
        Start = today.AddDays(1).ToString("O"),
        End = today.AddDays(7).ToString("O"),
    };
    using var call = gateway.Practices.SearchSlots(request);
    await foreach (var message in call.ResponseStream.ReadAllAsync())
    {
        if (message.EventCase == SearchSlotsResponse.EventOneofCase.Slot && message.Slot.OdsCode == practice)
        {
            Console.WriteLine("slots: one found, search cancelled");
            return message.Slot;
        }
    }
    throw new InvalidOperationException("no slot is free");
}

// Books the slot. When the outcome is unknown, or no answer came at all, the same call with the same request id finds it out.
async Task BookAsync(Slot slot)
{
    var request = new BookAppointmentRequest
    {
        Context = encounter,
        RequestId = Guid.NewGuid().ToString(),
        NhsNumber = Patient,
        OdsCode = practice,
        SlotHandles = { slot.Handle },
        Description = "Example",
    };
    for (var i = 0; i < 2; i++)
    {
        var answer = await gateway.Practices.BookAppointmentAsync(request);
        Console.WriteLine($"book: {answer.Outcome}");
    }
}

// Shows what errors say, and a deadline.
async Task FailuresAsync()
{
    var nobody = new TracePatientRequest { NhsNumber = "9990000492" };
    // Another patient in this one's encounter, as when two screens are mixed up: PDS is not asked.
    var another = new TracePatientRequest { Context = encounter, NhsNumber = "9990000115" };
    foreach (var request in new[] { nobody, another })
    {
        try
        {
            await gateway.Patients.TracePatientAsync(request);
        }
        catch (RpcException error)
        {
            var failure = Failure.Of(error);
            Console.WriteLine(
                $"failure: {failure.Code} {failure.Reason} at {failure.Hop}, RETRY_CLASS_{failure.Retry}: {failure.ClinicianMessage}");
        }
    }
    try
    {
        var deadline = DateTime.UtcNow.AddSeconds(1.5); // the practice answers after three seconds
        await gateway.Practices.GetCapabilitiesAsync(new GetCapabilitiesRequest { OdsCode = "F84005" }, deadline: deadline);
    }
    catch (RpcException error)
    {
        Console.WriteLine($"deadline: {Failure.Of(error).Code}");
    }
}
