/// What the handlers see of answers: sizes, times and how they ended.
final class RequestMetrics: Sendable {
    let success = MetricFamily(
        "vllm:request_success_total",
        .counter,
        help: "Count of successfully processed requests.",
        labels: ["model_name", "finished_reason"]
    )
    let promptTokens: MetricFamily
    let generationTokens: MetricFamily
    let maxTokens: MetricFamily
    let choices = RequestMetrics.histogram(
        "vllm:request_params_n",
        "Histogram of the n request parameter.",
        MetricBuckets.choices
    )
    let firstToken = RequestMetrics.histogram(
        "vllm:time_to_first_token_seconds",
        "Histogram of time to first token in seconds.",
        MetricBuckets.firstToken
    )
    let perToken = RequestMetrics.histogram(
        "vllm:time_per_output_token_seconds",
        "Histogram of time per output token in seconds.",
        MetricBuckets.interToken
    )
    let interToken = RequestMetrics.histogram(
        "vllm:inter_token_latency_seconds",
        "Histogram of inter-token latency in seconds.",
        MetricBuckets.interToken
    )
    let endToEnd = RequestMetrics.histogram(
        "vllm:e2e_request_latency_seconds",
        "Histogram of e2e request latency in seconds.",
        MetricBuckets.request
    )
    let queue = RequestMetrics.histogram(
        "vllm:request_queue_time_seconds",
        "Histogram of time spent in WAITING phase for request.",
        MetricBuckets.request
    )
    let inference = RequestMetrics.histogram(
        "vllm:request_inference_time_seconds",
        "Histogram of time spent in RUNNING phase for request.",
        MetricBuckets.request
    )
    let prefill = RequestMetrics.histogram(
        "vllm:request_prefill_time_seconds",
        "Histogram of time spent in PREFILL phase for request.",
        MetricBuckets.request
    )
    let decode = RequestMetrics.histogram(
        "vllm:request_decode_time_seconds",
        "Histogram of time spent in DECODE phase for request.",
        MetricBuckets.request
    )

    init(contextTokens: Int) {
        let bounds = MetricBuckets.tokens(upTo: contextTokens)
        promptTokens = Self.histogram(
            "vllm:request_prompt_tokens",
            "Number of prefill tokens processed.",
            bounds
        )
        generationTokens = Self.histogram(
            "vllm:request_generation_tokens",
            "Number of generation tokens processed.",
            bounds
        )
        maxTokens = Self.histogram(
            "vllm:request_params_max_tokens",
            "Histogram of the max_tokens request parameter.",
            bounds
        )
    }

    var families: [MetricFamily] {
        [
            success, promptTokens, generationTokens, choices, maxTokens, firstToken, perToken,
            interToken, endToEnd, queue, inference, prefill, decode,
        ]
    }

    private static func histogram(
        _ name: String,
        _ help: String,
        _ bounds: [Double]
    ) -> MetricFamily {
        MetricFamily(name, .histogram(bounds), help: help, labels: ["model_name"])
    }
}
