using System.Globalization;
using System.Text.Json;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Grpc.Net.Client;
using Grpc.Net.Client.Configuration;

namespace Spinegate;

/// <summary>Channels that keep to the gateway's service config: sizes, time-outs, and what gRPC may repeat by itself.</summary>
public static class SpinegateChannel
{
    /// <summary>The gRPC service config, as JSON.</summary>
    public static string ServiceConfigJson { get; } = ReadServiceConfig();

    /// <summary>
    /// What a channel to the gateway is made with: reads are repeated on UNAVAILABLE, writes never. .NET allows 64 KiB of metadata, so
    /// no error of the gateway is too large to be read.
    /// </summary>
    public static GrpcChannelOptions Options()
    {
        using var config = JsonDocument.Parse(ServiceConfigJson);
        var throttling = config.RootElement.GetProperty("retryThrottling");
        var options = new GrpcChannelOptions
        {
            MaxSendMessageSize = 64 << 10,
            MaxReceiveMessageSize = 4 << 20,
            ServiceConfig = new ServiceConfig
            {
                RetryThrottling = new RetryThrottlingPolicy
                {
                    MaxTokens = throttling.GetProperty("maxTokens").GetInt32(),
                    TokenRatio = throttling.GetProperty("tokenRatio").GetDouble(),
                },
            },
        };
        foreach (var group in Groups(config))
        {
            if (!group.TryGetProperty("retryPolicy", out var retry))
            {
                continue;
            }
            var method = new MethodConfig
            {
                RetryPolicy = new RetryPolicy
                {
                    MaxAttempts = retry.GetProperty("maxAttempts").GetInt32(),
                    InitialBackoff = Seconds(retry.GetProperty("initialBackoff")),
                    MaxBackoff = Seconds(retry.GetProperty("maxBackoff")),
                    BackoffMultiplier = retry.GetProperty("backoffMultiplier").GetDouble(),
                    RetryableStatusCodes = { StatusCode.Unavailable },
                },
            };
            foreach (var (service, name) in Names(group))
            {
                method.Names.Add(new MethodName { Service = service, Method = name });
            }
            options.ServiceConfig.MethodConfigs.Add(method);
        }
        return options;
    }

    /// <summary>
    /// What the clients are made with. Each call has its method's time-out, if it has no deadline of its own: .NET's service config has
    /// no member for it.
    /// </summary>
    public static CallInvoker WithTimeouts(this GrpcChannel channel) => channel.Intercept(new Timeouts());

    private static string ReadServiceConfig()
    {
        using var stream = typeof(SpinegateChannel).Assembly.GetManifestResourceStream("service_config.json")
            ?? throw new InvalidOperationException("the package has no service config");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    private static JsonElement.ArrayEnumerator Groups(JsonDocument config) =>
        config.RootElement.GetProperty("methodConfig").EnumerateArray();

    private static IEnumerable<(string Service, string Method)> Names(JsonElement group) =>
        group.GetProperty("name").EnumerateArray().Select(name =>
            (name.GetProperty("service").GetString()!, name.GetProperty("method").GetString()!));

    /// <summary>A duration as proto JSON spells it: 0.2s.</summary>
    private static TimeSpan Seconds(JsonElement value) =>
        TimeSpan.FromSeconds(double.Parse(value.GetString()!.TrimEnd('s'), CultureInfo.InvariantCulture));

    private sealed class Timeouts : Interceptor
    {
        private readonly Dictionary<(string, string), TimeSpan> timeouts = [];

        public Timeouts()
        {
            using var config = JsonDocument.Parse(ServiceConfigJson);
            foreach (var group in Groups(config))
            {
                foreach (var name in Names(group))
                {
                    timeouts[name] = Seconds(group.GetProperty("timeout"));
                }
            }
        }

        public override TResponse BlockingUnaryCall<TRequest, TResponse>(
            TRequest request,
            ClientInterceptorContext<TRequest, TResponse> context,
            BlockingUnaryCallContinuation<TRequest, TResponse> continuation) =>
            continuation(request, Limited(context));

        public override AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(
            TRequest request,
            ClientInterceptorContext<TRequest, TResponse> context,
            AsyncUnaryCallContinuation<TRequest, TResponse> continuation) =>
            continuation(request, Limited(context));

        public override AsyncServerStreamingCall<TResponse> AsyncServerStreamingCall<TRequest, TResponse>(
            TRequest request,
            ClientInterceptorContext<TRequest, TResponse> context,
            AsyncServerStreamingCallContinuation<TRequest, TResponse> continuation) =>
            continuation(request, Limited(context));

        public override AsyncDuplexStreamingCall<TRequest, TResponse> AsyncDuplexStreamingCall<TRequest, TResponse>(
            ClientInterceptorContext<TRequest, TResponse> context,
            AsyncDuplexStreamingCallContinuation<TRequest, TResponse> continuation) =>
            continuation(Limited(context));

        private ClientInterceptorContext<TRequest, TResponse> Limited<TRequest, TResponse>(
            ClientInterceptorContext<TRequest, TResponse> context)
            where TRequest : class
            where TResponse : class
        {
            var method = (context.Method.ServiceName, context.Method.Name);
            if (context.Options.Deadline is not null || !timeouts.TryGetValue(method, out var timeout))
            {
                return context;
            }
            var options = context.Options.WithDeadline(DateTime.UtcNow + timeout);
            return new ClientInterceptorContext<TRequest, TResponse>(context.Method, context.Host, options);
        }
    }
}
