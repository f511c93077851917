@testable import InferenceRuntime

extension SchedulerLimits {
    /// Small limits, so that a test meets them.
    static func forTests(
        maxBatch: Int = 8,
        contextTokens: Int = 512,
        chunkTokens: Int = 64,
        mixedChunkTokens: Int = 32,
        logitRows: Int = 32,
        maxWaiting: Int = 100,
        speculation: Speculation = .off,
        preemptionLead: Int = 64
    ) -> SchedulerLimits {
        SchedulerLimits(
            maxBatch: maxBatch,
            contextTokens: contextTokens,
            chunkTokens: chunkTokens,
            mixedChunkTokens: mixedChunkTokens,
            logitRows: logitRows,
            maxWaiting: maxWaiting,
            speculation: speculation,
            preemptionLead: preemptionLead
        )
    }
}

extension GenerationRequest {
    /// A request whose prompt is `count` tokens that depend on `salt`.
    static func forTests(
        prompt count: Int = 20,
        salt: Int32 = 0,
        maxTokens: Int? = 8,
        sampling: SamplingParameters = SamplingParameters(seed: 1),
        choices: Int = 1,
        stopTokens: Set<Int32> = [],
        adapters: AdapterMix = AdapterMix(),
        tenant: String = "",
        promptLogprobs: Int? = nil
    ) -> GenerationRequest {
        GenerationRequest(
            id: "test",
            prompt: (0..<Int32(count)).map { ($0 &* 7 &+ salt &* 13) % 97 },
            sampling: sampling,
            choices: choices,
            maxTokens: maxTokens,
            stopTokens: stopTokens,
            adapters: adapters,
            cacheSalt: tenant,
            fairnessKey: tenant,
            promptLogprobs: promptLogprobs
        )
    }
}

extension AdapterMix {
    /// A mix of adapters without weights, by name.
    static func forTests(_ names: String..., scale: Float = 1) -> AdapterMix {
        AdapterMix(
            names.map { Entry(adapter: LoRAAdapter(id: AdapterID($0)), scale: scale) }
        )
    }
}
