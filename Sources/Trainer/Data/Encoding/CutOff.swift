/// Cuts an example to a number of tokens as LLaMA-Factory does, so that both the question and the
/// answer keep a share.
struct CutOff {
    /// A stretch of prompt and the answer that follows it, in tokens.
    struct Turn {
        var prompt: Range<Int>
        var answer: Range<Int>
    }

    /// How many tokens of a prompt and of its answer are kept within a budget: the shorter one whole
    /// where it takes less than half, else both in proportion.
    static func kept(prompt: Int, answer: Int, budget: Int) -> (prompt: Int, answer: Int) {
        let mostAnswer: Int
        if answer * 2 < budget {
            mostAnswer = budget
        } else if prompt * 2 < budget {
            mostAnswer = budget - prompt
        } else {
            mostAnswer = Int(Double(budget) * (Double(answer) / Double(prompt + answer)))
        }
        let keptAnswer = min(mostAnswer, answer)
        return (min(max(budget - keptAnswer, 0), prompt), keptAnswer)
    }

    /// The turns of a text from the owners of its tokens; what follows the last answer is a turn
    /// with an empty one.
    static func turns(_ owners: [Int?]) -> [Turn] {
        var turns: [Turn] = []
        var position = 0
        while position < owners.count {
            let promptStart = position
            while position < owners.count, owners[position] == nil { position += 1 }
            let answerStart = position
            let owner = position < owners.count ? owners[position] : nil
            while position < owners.count, owners[position] != nil, owners[position] == owner {
                position += 1
            }
            turns.append(Turn(prompt: promptStart..<answerStart, answer: answerStart..<position))
        }
        return turns
    }

    /// The indices of the tokens that are kept, ascending.
    /// - Parameter lastFirst: whether later turns are served first, as with a masked history.
    static func indices(of turns: [Turn], budget: Int, lastFirst: Bool) -> [Int] {
        var kept: [[Int]] = []
        var left = budget
        for turn in lastFirst ? turns.reversed() : turns {
            guard left > 0 else { break }
            let share = Self.kept(
                prompt: turn.prompt.count,
                answer: turn.answer.count,
                budget: left
            )
            left -= share.prompt + share.answer
            kept.append(Array(turn.prompt.prefix(share.prompt)) + turn.answer.prefix(share.answer))
        }
        return (lastFirst ? kept.reversed() : kept).flatMap { $0 }
    }
}
