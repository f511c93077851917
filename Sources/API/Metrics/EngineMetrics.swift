import InferenceRuntime
import Storage

/// What the engine counts itself; read when somebody asks.
final class EngineMetrics: Sendable {
    private static func gauge(_ name: String, _ help: String) -> MetricFamily {
        MetricFamily(name, .gauge, help: help, labels: ["model_name"])
    }

    private static func counter(_ name: String, _ help: String) -> MetricFamily {
        MetricFamily(name, .counter, help: help, labels: ["model_name"])
    }

    private let running = gauge(
        "vllm:num_requests_running",
        "Number of requests in model execution batches."
    )
    private let waiting = gauge(
        "vllm:num_requests_waiting",
        "Number of requests waiting to be processed."
    )
    private let usage = gauge(
        "vllm:kv_cache_usage_perc",
        "KV-cache usage. 1 means 100 percent usage."
    )
    private let queries = counter(
        "vllm:prefix_cache_queries_total",
        "Prefix cache queries, in terms of number of queried tokens."
    )
    private let hits = counter(
        "vllm:prefix_cache_hits_total",
        "Prefix cache hits, in terms of number of cached tokens."
    )
    /// The same under the names that older vLLM had and vLLM's production stack still reads.
    private let olderUsage = gauge(
        "vllm:gpu_cache_usage_perc",
        "KV-cache usage, by its older name."
    )
    private let olderRate = gauge(
        "vllm:gpu_prefix_cache_hit_rate",
        "Share of queried tokens that the prefix cache had."
    )
    private let olderQueries = counter(
        "vllm:gpu_prefix_cache_queries_total",
        "Prefix cache queries, by their older name."
    )
    private let olderHits = counter(
        "vllm:gpu_prefix_cache_hits_total",
        "Prefix cache hits, by their older name."
    )
    private let preemptions = counter(
        "vllm:num_preemptions_total",
        "Cumulative number of preemptions from the engine."
    )
    private let prompt = counter(
        "vllm:prompt_tokens_total",
        "Number of prefill tokens processed."
    )
    private let generation = counter(
        "vllm:generation_tokens_total",
        "Number of generation tokens processed."
    )
    private let iteration = MetricFamily(
        "vllm:iteration_tokens_total",
        .histogram(EngineStatistics.rowBounds.map(Double.init)),
        help: "Histogram of number of tokens per engine_step.",
        labels: ["model_name"]
    )
    private let lora = MetricFamily(
        "vllm:lora_requests_info",
        .gauge,
        help: "Running stats on lora requests.",
        labels: ["max_lora", "running_lora_adapters", "waiting_lora_adapters"]
    )
    private let cache = MetricFamily(
        "vllm:cache_config_info",
        .gauge,
        help: "Information of the cache.",
        labels: ["block_size", "num_gpu_blocks", "max_model_len"]
    )
    private let blocks = MetricFamily(
        "facet_kv_blocks",
        .gauge,
        help: "KV blocks by state.",
        labels: ["state"]
    )
    private let steps = counter("facet_engine_steps_total", "Forward passes.")
    private let rows = counter("facet_engine_rows_total", "Rows of all forward passes.")
    private let failed = counter("facet_engine_failed_total", "Requests that ended in an error.")
    private let drafts = counter(
        "vllm:spec_decode_num_drafts_total",
        "Steps of a sequence with guessed tokens."
    )
    private let drafted = counter("vllm:spec_decode_num_draft_tokens_total", "Tokens guessed.")
    private let accepted = counter(
        "vllm:spec_decode_num_accepted_tokens_total",
        "Guessed tokens that were drawn."
    )
    private let training = counter(
        "facet_training_slices_total",
        "Slices of training work the engine has run."
    )
    private let served = counter(
        "facet_steps_within_training_total",
        "Forward passes served from within a slice of training."
    )

    var families: [MetricFamily] {
        [
            running, waiting, usage, queries, hits, olderUsage, olderRate, olderQueries, olderHits,
            preemptions, prompt, generation, iteration,
            lora, cache, blocks, steps, rows, failed, drafts, drafted, accepted, training, served,
        ]
    }

    /// Takes over what the engine says of itself.
    ///
    /// - Parameter room: Which adapters are in memory.
    func update(
        _ statistics: EngineStatistics,
        model: String,
        contextTokens: Int,
        room: AdapterRoom
    ) {
        running.set(Double(statistics.running), model)
        waiting.set(Double(statistics.waiting), model)
        usage.set(statistics.kvUsage, model)
        queries.set(Double(statistics.prefixCacheQueries), model)
        hits.set(Double(statistics.prefixCacheHits), model)
        olderUsage.set(statistics.kvUsage, model)
        olderQueries.set(Double(statistics.prefixCacheQueries), model)
        olderHits.set(Double(statistics.prefixCacheHits), model)
        let asked = max(1, Double(statistics.prefixCacheQueries))
        olderRate.set(Double(statistics.prefixCacheHits) / asked, model)
        preemptions.set(Double(statistics.preemptions), model)
        prompt.set(Double(statistics.promptTokens), model)
        generation.set(Double(statistics.generationTokens), model)
        steps.set(Double(statistics.steps), model)
        rows.set(Double(statistics.rows), model)
        failed.set(Double(statistics.failed), model)
        drafts.set(Double(statistics.drafts), model)
        drafted.set(Double(statistics.draftedTokens), model)
        accepted.set(Double(statistics.acceptedTokens), model)
        let entries = statistics.stepsByRows
        iteration.set(
            buckets: (0...EngineStatistics.rowBounds.count).map { entries[$0] },
            sum: Double(statistics.rows),
            model
        )
        training.set(Double(statistics.trainingSlices), model)
        served.set(Double(statistics.stepsWithinTraining), model)
        blocks.set(Double(statistics.kvBlocksUsed), "used")
        blocks.set(Double(statistics.kvBlocksCached), "cached")
        blocks.set(Double(statistics.kvBlocks), "total")
        cache.reset()
        cache.set(1, "16", "\(statistics.kvBlocks)", "\(contextTokens)")
        lora.reset()
        let running = statistics.runningAdapters.map { room.names[$0] ?? $0 }
        let ready = room.resident + running.filter { !room.resident.contains($0) }
        let waiting = statistics.waitingAdapters.map { room.names[$0] ?? $0 }
        lora.set(
            Double(UnixTime.now),
            "\(max(room.capacity, ready.count))",
            ready.joined(separator: ","),
            waiting.filter { !ready.contains($0) }.joined(separator: ",")
        )
    }
}
