/// Work on one row of logits: drawing from it, or scoring a token of the prompt.
///
/// Its result is delivered when all tasks of a step are done, in their order.
struct SamplingTask {
    /// What is wanted of the row.
    enum Kind {
        case draw(ActiveChoice, SequenceID)
        case score(token: Int32, top: Int)
        /// The hidden state that the row came from: the prompt has been read, and that was all.
        case embed
        /// Nothing: the prompt has been read, and that was all.
        case done
    }

    let request: ActiveRequest
    let id: GenerationID
    let kind: Kind
    let row: Int
    /// Rows behind the first, of guessed tokens.
    let drafted: Int
    private(set) var result: TokenSample?
    private(set) var embedding: [Float]?

    init(
        _ request: ActiveRequest,
        _ id: GenerationID,
        _ kind: Kind,
        row: Int,
        drafted: Int = 0
    ) {
        self.request = request
        self.id = id
        self.kind = kind
        self.row = row
        self.drafted = drafted
    }

    mutating func run(_ model: any StepModel, _ workspace: SamplerWorkspace) {
        switch kind {
        case .draw(let choice, _):
            result = choice.sampler.next(model.logits(row: row), workspace)
            choice.more.removeAll(keepingCapacity: true)
            var last = result
            // A guess that is not what is drawn ends the draft: the rows behind it followed another token.
            for place in 0..<drafted {
                guard let token = last?.id, token == choice.drafter.rows[place + 1],
                    !request.request.stopTokens.contains(token)
                else { break }
                last = choice.sampler.next(model.logits(row: row + place + 1), workspace)
                if let last { choice.more.append(last) }
            }
        case .score(let token, let top):
            result = Sampler.describe(token, logits: model.logits(row: row), top: top, workspace)
        case .embed: embedding = Array(model.hidden(row: row))
        case .done: break
        }
    }
}
