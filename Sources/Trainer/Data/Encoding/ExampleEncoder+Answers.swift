public import InferenceRuntime

/// Examples as the units that a method learns from.
extension ExampleEncoder {
    /// The units of an example.
    /// - Parameter previous: The example before it in the file, and before the first the last; for
    ///   methods that ask how likely an answer of another example is.
    /// - Throws: `TrainingFileError` with the example's line where it cannot be encoded, or is
    ///   nothing for the method.
    func units(
        _ example: TrainingExample,
        after previous: TrainingExample?
    ) throws(TrainingFileError) -> [TrainingUnit] {
        switch (options.method, example.content) {
        case (.reinforcement, .prompt(_, let item)):
            var unit = TrainingUnit([try whole(example)], line: example.line)
            unit.item = item
            return [unit]
        case (.supervised, .preference), (.supervised, .prompt), (.reinforcement, _):
            throw unfit(example)
        case (.supervised, .feedback(let answer, _)):
            return try units(TrainingExample(line: example.line, content: answer), after: nil)
        case (.supervised, _):
            return try pieces(example).map { TrainingUnit([$0], line: example.line) }
        case (.dpo, .preference(let chosen, let rejected)),
            (.reward, .preference(let chosen, let rejected)):
            return [try pair(chosen, rejected, example.line)]
        case (.kto, .feedback(let answer, let isGood)):
            let other = previous.map { answer.answered(by: $0.content) } ?? answer
            return [try marked(answer, isGood, other, example.line)]
        case (.dpo, _), (.reward, _), (.kto, _): throw unfit(example)
        }
    }

    /// The tokens that a reward model reads of a conversation whose last message is the answer to be
    /// scored: those of the method `reward`, before its cut-off.
    /// - Parameter most: So many tokens of the answer at most.
    /// - Throws: `TrainingFileError` where the conversation cannot be encoded, or ends with no answer.
    public func scored(
        _ messages: [JSONValue],
        answerTokens most: Int? = nil
    ) throws(TrainingFileError) -> [Int32] {
        guard messages.last?["role"] == "assistant" else {
            throw TrainingFileError(line: 1, reason: "the last message is not the assistant's")
        }
        let chat = TrainingExample.Conversation(
            messages: messages,
            tools: nil,
            isTrained: messages.map { $0["role"] == "assistant" }
        )
        let answer = try answer(.chat(chat), 1)
        return Array(answer.prompt + answer.tokens.prefix(most ?? .max))
    }

    private func unfit(_ example: TrainingExample) -> TrainingFileError {
        let (found, method): (String, TrainingMethod) =
            switch example.content {
            case .chat, .completion, .text: ("a right answer or a text", .supervised)
            case .preference: ("a pair of a better and a worse answer", .dpo)
            case .feedback: ("an answer that is marked good or bad", .kto)
            case .prompt: ("a prompt without an answer", .reinforcement)
            }
        return TrainingFileError(
            line: example.line,
            reason: "the method '\(options.method.rawValue)' learns from "
                + "\(options.method.dataInWords), and this is \(found): use the method "
                + "'\(method.rawValue)', or another file"
        )
    }

    /// A prompt; one that the cut-off leaves no room behind counts as cut, and is not used.
    private func whole(_ example: TrainingExample) throws(TrainingFileError) -> EncodedExample {
        let tokens = try turns(example).tokens
        let kept = tokens.prefix(options.cutoffLength)
        return EncodedExample(
            tokens: Array(kept),
            weights: kept.map { _ in 0 },
            fullLength: tokens.count
        )
    }

    /// Both answers after one prompt, cut as LLaMA-Factory cuts them: the prompt and the longer answer
    /// share the cut-off, and both answers get one length.
    private func pair(
        _ chosen: TrainingExample.Content,
        _ rejected: TrainingExample.Content,
        _ line: Int
    ) throws(TrainingFileError) -> TrainingUnit {
        let answers = [try answer(chosen, line), try answer(rejected, line)]
        let kept = CutOff.kept(
            prompt: answers.map(\.prompt.count).max() ?? 0,
            answer: answers.map(\.tokens.count).max() ?? 0,
            budget: options.cutoffLength
        )
        return TrainingUnit(answers.map { $0.cut(to: kept) }, line: line)
    }

    /// An answer with its mark, and the same prompt with another answer, which is only measured.
    private func marked(
        _ own: TrainingExample.Content,
        _ isGood: Bool,
        _ other: TrainingExample.Content,
        _ line: Int
    ) throws(TrainingFileError) -> TrainingUnit {
        let sequences = try [own, other].map { content throws(TrainingFileError) in
            let answer = try answer(content, line)
            return answer.cut(
                to: CutOff.kept(
                    prompt: answer.prompt.count,
                    answer: answer.tokens.count,
                    budget: options.cutoffLength
                )
            )
        }
        return TrainingUnit(
            [sequences[0], sequences[1].measured],
            line: line,
            label: isGood ? 1 : -1
        )
    }

    /// The last answer of a conversation, or a completion, after all that leads to it.
    private struct Answer {
        let prompt: ArraySlice<Int32>
        let tokens: ArraySlice<Int32>
        let weights: ArraySlice<Float>

        func cut(to kept: (prompt: Int, answer: Int)) -> EncodedExample {
            let prompt = prompt.prefix(kept.prompt)
            var weights = prompt.map { _ in Float(0) } + weights.prefix(kept.answer)
            // Nothing predicts the first token.
            if !weights.isEmpty { weights[0] = 0 }
            return EncodedExample(
                tokens: Array(prompt) + tokens.prefix(kept.answer),
                weights: weights,
                fullLength: self.prompt.count + tokens.count
            )
        }
    }

    private func answer(
        _ content: TrainingExample.Content,
        _ line: Int
    ) throws(TrainingFileError) -> Answer {
        let turns = try turns(TrainingExample(line: line, content: content))
        let own = turns.owners.compactMap { $0 }.max()
        guard let own, let start = turns.owners.firstIndex(of: own),
            let end = turns.owners.lastIndex(of: own)
        else {
            return Answer(prompt: turns.tokens[...], tokens: [], weights: [])
        }
        return Answer(
            prompt: turns.tokens[..<start],
            tokens: turns.tokens[start...end],
            weights: turns.owners[start...end].map { $0 == own ? 1 : 0 }[...]
        )
    }
}

extension EncodedExample {
    /// The same tokens, measured and not learned.
    fileprivate var measured: EncodedExample {
        EncodedExample(tokens: tokens, weights: weights.map { -$0 }, fullLength: fullLength)
    }
}
