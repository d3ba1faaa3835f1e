using System.Globalization;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text.Json.Serialization;
using Google.Protobuf;
using Google.Rpc;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Grpc.Net.Client;
using Spinegate;
using Spinegate.V1;

namespace Example;

/// <summary>A connection with a client of each service. Copy what is in this file and make it your own.</summary>
public sealed class Gateway : IDisposable
{
    private readonly GrpcChannel channel;

    /// <summary>
    /// Makes a connection on which every call carries the tokens. The address is https; only a sandbox's tokens go out in clear text.
    /// </summary>
    public Gateway(string address, Tokens tokens)
    {
        if (!tokens.Sandbox && new Uri(address).Scheme != Uri.UriSchemeHttps)
        {
            throw new ArgumentException("tokens are not sent in clear text: use an https address", nameof(address));
        }
        channel = GrpcChannel.ForAddress(address, SpinegateChannel.Options());
        // The place to renew a token that has expired.
        var calls = channel.WithTimeouts().Intercept(metadata =>
        {
            metadata.Add("authorization", $"Bearer {tokens.Bearer}");
            if (!string.IsNullOrEmpty(tokens.Cis2))
            {
                metadata.Add("spinegate-cis2-id-token", tokens.Cis2);
            }
            return metadata;
        });
        Patients = new PatientTrace.PatientTraceClient(calls);
        Directory = new EndpointDirectory.EndpointDirectoryClient(calls);
        Practices = new GPConnect.GPConnectClient(calls);
    }

    public PatientTrace.PatientTraceClient Patients { get; }

    public EndpointDirectory.EndpointDirectoryClient Directory { get; }

    public GPConnect.GPConnectClient Practices { get; }

    public void Dispose() => channel.Dispose();
}

/// <summary>Sent with every call.</summary>
public sealed class Tokens
{
    /// <summary>Says who calls, and for which organisation.</summary>
    [JsonPropertyName("token")]
    public string Bearer { get; init; } = "";

    /// <summary>The ID token of a clinician's own sign-in, if PDS shall be asked in their name.</summary>
    [JsonPropertyName("cis2_id_token")]
    public string? Cis2 { get; init; }

    /// <summary>Whether a sandbox on this machine gave them, to which they may go in clear text.</summary>
    [JsonIgnore]
    public bool Sandbox { get; private init; }

    /// <summary>
    /// Asks a sandbox, at the HOST:PORT of its admin listener, for the tokens of one of its personas. With a real gateway your identity
    /// provider gives them.
    /// </summary>
    public static async Task<Tokens> OfSandboxAsync(string admin, string persona)
    {
        var address = admin.StartsWith("http://", StringComparison.Ordinal) ? admin : $"http://{admin}";
        using var client = new HttpClient();
        using var answer = await client.PostAsync($"{address}/sandbox/token?persona={Uri.EscapeDataString(persona)}", null);
        answer.EnsureSuccessStatusCode();
        var given = await answer.Content.ReadFromJsonAsync<Tokens>() ?? throw new InvalidDataException("the sandbox gave no tokens");
        return new Tokens { Bearer = given.Bearer, Cis2 = given.Cis2, Sandbox = true };
    }
}

/// <summary>A field that broke a rule of the request, and what is wrong with it.</summary>
public sealed record Violation(string Field, string Description);

/// <summary>
/// What the gateway says about an error of a call, or about a failure within a stream; and about an error that the gateway did not make,
/// what can be said all the same.
/// </summary>
/// <param name="Code">Of gRPC.</param>
/// <param name="Reason">Stable: program against it. Empty when the gateway did not make the error.</param>
/// <param name="Hop">Where on the road it failed: PDS.</param>
/// <param name="Retry">
/// Whether repeating helps: NEVER, SAME_CALL, AFTER_CORRECTION or SAME_REQUEST_ID. Empty when the gateway did not make the error.
/// </param>
/// <param name="ClinicianMessage">A sentence that can be shown to a clinician. There always is one.</param>
/// <param name="TraceId">By which the operator of the gateway finds the call.</param>
/// <param name="Fields">Those of the request that broke a rule.</param>
/// <param name="Detail">
/// More: how long to wait, a sentence for operators, candidates. Null when the gateway did not make the error: it was not reached, or
/// the call's own deadline or cancellation came first. For a booking that is the same as OUTCOME_UNKNOWN: it may have been made, so
/// make the same call with the same request id.
/// </param>
public sealed record Failure(
    StatusCode Code,
    string Reason,
    string Hop,
    string Retry,
    string ClinicianMessage,
    string TraceId,
    IReadOnlyList<Violation> Fields,
    ErrorDetail? Detail)
{
    /// <summary>Reads a call's error.</summary>
    public static Failure Of(RpcException error)
    {
        var packed = error.Trailers.GetValueBytes("grpc-status-details-bin"); // null when the error has no details
        var status = packed is null ? new Google.Rpc.Status() : Google.Rpc.Status.Parser.ParseFrom(packed);
        var info = Find<ErrorInfo>(status) ?? new ErrorInfo();
        var request = Find<BadRequest>(status) ?? new BadRequest();
        return Of(
            error.StatusCode,
            info.Reason,
            info.Metadata.TryGetValue("hop", out var hop) ? hop : "",
            request.FieldViolations.Select(violation => new Violation(violation.Field, violation.Description)),
            Find<ErrorDetail>(status));
    }

    /// <summary>Reads a failure within a stream, of one of many targets, which says the same as a call's error.</summary>
    public static Failure Of(ErrorDetail detail) => Of(
        (StatusCode)detail.Code,
        Name(ErrorDetail.ReasonFieldNumber, (int)detail.Reason, "ERROR_REASON_"),
        Name(ErrorDetail.HopFieldNumber, (int)detail.Hop, "HOP_"),
        detail.Violations.Select(violation => new Violation(violation.Field, violation.Description)),
        detail);

    /// <summary>One line, because records print all they hold.</summary>
    public override string ToString() => $"Failure {{ Code = {Code}, Reason = {Reason}, Hop = {Hop} }}";

    private static Failure Of(StatusCode code, string reason, string hop, IEnumerable<Violation> fields, ErrorDetail? detail) => new(
        code,
        reason,
        hop,
        detail is null ? "" : Name(ErrorDetail.RetryFieldNumber, (int)detail.Retry, "RETRY_CLASS_"),
        detail?.ClinicianMessage ?? Unsaid(code),
        detail?.TraceIds?.TraceId ?? "",
        fields.ToList(),
        detail);

    /// <summary>The contract's name of a value, or its number: a newer gateway may send one that nobody knows here.</summary>
    private static string Name(int field, int value, string prefix)
    {
        var known = ErrorDetail.Descriptor.FindFieldByNumber(field).EnumType.FindValueByNumber(value);
        return known is null ? value.ToString(CultureInfo.InvariantCulture) : known.Name[prefix.Length..];
    }

    /// <summary>The sentence for an error about which the gateway said nothing.</summary>
    private static string Unsaid(StatusCode code) => code switch
    {
        StatusCode.DeadlineExceeded => "This took too long. Try again.",
        StatusCode.Cancelled => "The request was cancelled.",
        _ => "The service cannot be reached. Try again in a moment.",
    };

    private static T? Find<T>(Google.Rpc.Status status)
        where T : class, IMessage, new() =>
        status.Details.Select(detail => detail.TryUnpack<T>(out var found) ? found : null).FirstOrDefault(found => found is not null);
}

/// <summary>
/// Checks a record stream, and in the end what arrived against the digest that the gateway gave. A record is whole if
/// <see cref="End"/> finds nothing and the verdict of <see cref="Closing"/> is Whole.
/// </summary>
public sealed class RecordCheck : IDisposable
{
    private readonly IncrementalHash entries = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly IncrementalHash content = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private int next;
    private bool fhir;

    /// <summary>The last message, once it has come.</summary>
    public RecordClosing? Closing { get; private set; }

    /// <summary>Checks the next message. Pieces of one large item share a number.</summary>
    public void Take(GetStructuredRecordResponse message)
    {
        if (Closing is not null || message.Sequence != next)
        {
            throw new InvalidDataException($"message {message.Sequence} came where {next} was due");
        }
        if (!message.Continues)
        {
            next++;
        }
        switch (message.EventCase)
        {
            case GetStructuredRecordResponse.EventOneofCase.Opening:
                fhir = message.Opening.View == RecordView.Fhir;
                break;
            case GetStructuredRecordResponse.EventOneofCase.Patient:
                entries.AppendData(message.Patient.Patient.Json.Span);
                break;
            case GetStructuredRecordResponse.EventOneofCase.Entry:
                entries.AppendData(message.Entry.Json.Span);
                break;
            case GetStructuredRecordResponse.EventOneofCase.Chunk:
                content.AppendData(message.Chunk.Data.Span);
                break;
            case GetStructuredRecordResponse.EventOneofCase.Closing:
                Closing = message.Closing;
                break;
        }
    }

    /// <summary>Checks a stream that ended with OK. Returns the digest that was compared.</summary>
    public string End()
    {
        if (Closing is null)
        {
            throw new InvalidDataException("the stream has no closing message: it is not whole");
        }
        var (name, got, said) = fhir
            ? ("content_sha256", content, Closing.ContentSha256)
            : ("entries_sha256", entries, Closing.EntriesSha256);
        if (!got.GetHashAndReset().AsSpan().SequenceEqual(said.Span))
        {
            throw new InvalidDataException($"what arrived does not have the digest that the gateway gave: {name}");
        }
        return name;
    }

    public void Dispose()
    {
        entries.Dispose();
        content.Dispose();
    }
}
