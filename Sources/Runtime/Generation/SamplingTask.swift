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
    private(set) var result: TokenSample?
    private(set) var embedding: [Float]?

    init(_ request: ActiveRequest, _ id: GenerationID, _ kind: Kind, row: Int) {
        self.request = request
        self.id = id
        self.kind = kind
        self.row = row
    }

    mutating func run(_ model: any StepModel, _ workspace: SamplerWorkspace) {
        switch kind {
        case .draw(let choice, _):
            result = choice.sampler.next(model.logits(row: row), workspace)
        case .score(let token, let top):
            result = Sampler.describe(token, logits: model.logits(row: row), top: top, workspace)
        case .embed: embedding = Array(model.hidden(row: row))
        case .done: break
        }
    }
}
