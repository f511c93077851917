/// What changes logits before a token is drawn: bias, penalties and masks.
struct LogitsProcessors {
    private let bias: [(id: Int32, value: Float)]
    private let repetition: Float
    private let presence: Float
    private let frequency: Float
    private var history: TokenHistory?
    private var masks: TokenMasks?

    /// The processors that `parameters` ask for, `expecting` about so many tokens.
    init(_ parameters: SamplingParameters, prompt: [Int32], expecting tokens: Int) {
        bias = parameters.logitBias.map { (id: $0.key, value: $0.value) }.sorted { $0.id < $1.id }
        repetition = parameters.repetitionPenalty
        presence = parameters.presencePenalty
        frequency = parameters.frequencyPenalty
        masks = TokenMasks(parameters)
        if repetition != 1 {
            history = TokenHistory(prompt: prompt, expecting: prompt.count + tokens)
        } else if presence != 0 || frequency != 0 {
            history = TokenHistory(prompt: [], expecting: tokens)
        }
    }

    /// Whether logits stay as they are.
    var isIdle: Bool {
        bias.isEmpty && (history?.entries.isEmpty ?? true) && (masks?.isOver ?? true)
    }

    /// Remembers a token of the answer.
    mutating func append(_ id: Int32) {
        history?.append(id)
        masks?.append(id)
    }

    /// Changes a row of logits in place.
    func apply(to row: UnsafeMutablePointer<Float>, count: Int) {
        defer { masks?.apply(to: row, count: count) }
        for entry in bias where Int(entry.id) < count && entry.id >= 0 {
            row[Int(entry.id)] += entry.value
        }
        guard let history else { return }
        for entry in history.entries where Int(entry.id) < count && entry.id >= 0 {
            var logit = row[Int(entry.id)]
            if repetition != 1 { logit = logit < 0 ? logit * repetition : logit / repetition }
            if entry.generated > 0 { logit -= presence + Float(entry.generated) * frequency }
            row[Int(entry.id)] = logit
        }
    }
}
