/// What the engine asks of a model; confined to the engine's thread.
///
/// The ``Engine`` meets the transformer, and tests a scripted model, through these few calls.
public protocol StepModel: AnyObject {
    /// Logits in a row.
    var vocabularySize: Int { get }

    /// Sequences whose variants differ share no prefix: where the longest that a sequence may become
    /// changes how its first tokens are computed (long-context rotary scaling).
    func cacheVariant(maxLength: Int) -> [Int]

    /// Computes a batch: keys and values go into the cache, logits of `batch.logitRows` are there
    /// until the next call.
    func forward(_ batch: Batch) throws

    /// A row of logits, `[vocabularySize]`, in the order of `batch.logitRows`.
    func logits(row: Int) -> UnsafePointer<Float>

    /// The final hidden state `[hidden]` that a row of logits came from, after the last norm.
    func hidden(row: Int) -> UnsafeBufferPointer<Float>

    /// Copies a block of keys and values in all layers.
    func copyBlock(from source: Int32, to target: Int32)

    /// How many threads work at most.
    var threads: Int { get }

    /// Calls `body` for 0..<count, on the model's threads, and returns when all are done.
    func parallel(_ count: Int, _ body: @escaping (Int) -> Void)
}
