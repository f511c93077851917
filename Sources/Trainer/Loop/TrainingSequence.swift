/// One example as the loss sees it: its tokens, and the weight of the loss on each.
///
/// The weight of a token counts where it is predicted, from the token before it; the first token's
/// is never used.
struct TrainingSequence: Sendable, Hashable {
    /// The ids that serving would compute for the same text.
    var tokens: [Int32]
    /// 1 for trained tokens, 0 for prompts, in between for `prompt_loss_weight`.
    var weights: [Float]
    /// Where it comes from, for messages: the line in its file.
    var line: Int

    /// The sum of the weights that count.
    var weight: Double { weights.dropFirst().reduce(0) { $0 + Double($1) } }

    /// How many tokens are trained.
    var trainedTokens: Int { weights.dropFirst().count { $0 > 0 } }
}

/// What one place of a batch holds: an example, or with packing several that share a row.
///
/// Attention never crosses from one sequence to another.
typealias TrainingItem = [TrainingSequence]
