import InferenceRuntime

/// Measures the answers of one request for `/metrics`, and charges them to the caller's key.
struct AnswerMeter: Sendable {
    let metrics: ServerMetrics
    /// The adapter that answers, or the base's id.
    let adapter: String
    let tenant: String
    let admission: Admission?

    /// Starts the clock for one prompt.
    func begin(_ request: GenerationRequest) -> Timer {
        let model = metrics.modelName
        metrics.requests.choices.observe(Double(request.choices), model)
        if let maxTokens = request.maxTokens {
            metrics.requests.maxTokens.observe(Double(maxTokens), model)
        }
        return Timer(meter: self, choices: request.choices)
    }

    /// Books what a prompt and its answers came to, also where the client went away.
    func end(_ timer: Timer) {
        let model = metrics.modelName
        let requests = metrics.requests
        admission?.charge(tokens: timer.tokens)
        for (kind, count) in [
            ("prompt", timer.promptTokens - timer.cachedTokens), ("cached", timer.cachedTokens),
            ("completion", timer.tokens),
        ] where count > 0 {
            metrics.adapters.tokens.add(Double(count), adapter, tenant, kind)
        }
        let status = timer.hasSucceeded ? "success" : "failure"
        metrics.adapters.requests.add(1, adapter, tenant, status)
        guard timer.hasSucceeded else { return }
        requests.promptTokens.observe(Double(timer.promptTokens), model)
        requests.generationTokens.observe(Double(timer.tokens), model)
        requests.endToEnd.observe(timer.elapsed, model)
        requests.queue.observe(timer.queued, model)
        requests.prefill.observe(timer.reading, model)
        requests.inference.observe(timer.running, model)
        if let decoding = timer.decoding {
            requests.decode.observe(decoding, model)
            let later = timer.tokens - timer.choices.count
            if later > 0 { requests.perToken.observe(decoding / Double(later), model) }
        }
    }

    /// The times of one prompt and its choices.
    struct Timer {
        private let meter: AnswerMeter
        private let start = ContinuousClock.now
        private var begun: ContinuousClock.Instant
        private var read: ContinuousClock.Instant
        private var first: ContinuousClock.Instant?
        /// When the last token of each choice came.
        fileprivate var choices: [ContinuousClock.Instant?]
        fileprivate var promptTokens = 0
        fileprivate var cachedTokens = 0
        fileprivate var tokens = 0
        fileprivate var hasSucceeded = false

        fileprivate init(meter: AnswerMeter, choices: Int) {
            self.meter = meter
            begun = start
            read = start
            self.choices = Array(repeating: nil, count: choices)
        }

        mutating func prompt(of count: Int, _ summary: PromptSummary) {
            promptTokens = count
            cachedTokens = summary.cachedTokens
            begun = summary.begun ?? start
            read = .now
        }

        mutating func token(choice: Int) {
            let now = ContinuousClock.now
            let metrics = meter.metrics
            tokens += 1
            if first == nil {
                first = now
                let seconds = start.duration(to: now) / .seconds(1)
                metrics.requests.firstToken.observe(seconds, metrics.modelName)
                metrics.adapters.firstToken.observe(seconds, meter.adapter)
            }
            guard choices.indices.contains(choice) else { return }
            if let last = choices[choice] {
                let seconds = last.duration(to: now) / .seconds(1)
                metrics.requests.interToken.observe(seconds, metrics.modelName)
            }
            choices[choice] = now
        }

        func finished(_ reason: FinishReason) {
            let metrics = meter.metrics
            metrics.requests.success.add(1, metrics.modelName, reason.rawValue)
        }

        mutating func succeeded() { hasSucceeded = true }

        fileprivate var elapsed: Double { start.duration(to: .now) / .seconds(1) }
        /// Seconds in the queue.
        fileprivate var queued: Double { start.duration(to: begun) / .seconds(1) }
        /// Seconds until the prompt was read.
        fileprivate var reading: Double { begun.duration(to: read) / .seconds(1) }
        /// Seconds from the end of the wait to the last token.
        fileprivate var running: Double { begun.duration(to: last ?? read) / .seconds(1) }

        /// Seconds from the first token to the last.
        fileprivate var decoding: Double? {
            guard let first, let last else { return nil }
            return first.duration(to: last) / .seconds(1)
        }

        private var last: ContinuousClock.Instant? { choices.compactMap { $0 }.max() }
    }
}
