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

    /// <summary>Makes a connection on which every call carries the tokens. For any gateway but a sandbox the address is https.</summary>
    public Gateway(string address, Tokens tokens)
    {
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

    /// <summary>Asks a sandbox for the tokens of one of its personas. With a real gateway your identity provider gives them.</summary>
    public static async Task<Tokens> OfSandboxAsync(string admin, string persona)
    {
        using var client = new HttpClient();
        using var answer = await client.PostAsync($"{admin}/sandbox/token?persona={Uri.EscapeDataString(persona)}", null);
        answer.EnsureSuccessStatusCode();
        return await answer.Content.ReadFromJsonAsync<Tokens>() ?? throw new InvalidDataException("the sandbox gave no tokens");
    }
}

/// <summary>An error of a call with what the gateway says about it.</summary>
/// <param name="Code">Of gRPC.</param>
/// <param name="Reason">Stable: program against it. Empty when the error did not come from the gateway.</param>
/// <param name="Hop">Where on the road it failed.</param>
/// <param name="Fields">Those of the request that broke a rule.</param>
/// <param name="Detail">More: whether a retry helps, sentences to show, candidates.</param>
public sealed record Failure(StatusCode Code, string Reason, string Hop, IReadOnlyList<string> Fields, ErrorDetail Detail)
{
    /// <summary>Reads a call's error.</summary>
    public static Failure Of(RpcException error)
    {
        var packed = error.Trailers.GetValueBytes("grpc-status-details-bin"); // null when the error has no details
        var status = packed is null ? new Google.Rpc.Status() : Google.Rpc.Status.Parser.ParseFrom(packed);
        var info = Find<ErrorInfo>(status) ?? new ErrorInfo();
        var request = Find<BadRequest>(status) ?? new BadRequest();
        return new Failure(
            error.StatusCode,
            info.Reason,
            info.Metadata.TryGetValue("hop", out var hop) ? hop : "",
            request.FieldViolations.Select(violation => violation.Field).ToList(),
            Find<ErrorDetail>(status) ?? new ErrorDetail());
    }

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
