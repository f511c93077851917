import InferenceRuntime

/// Walks texts, token by token, through the masks of a grammar.
struct GrammarTrial {
    let tokenizer: Tokenizer
    let trie: TokenTrie
    let isStrict: Bool

    static let maximumDepth = 400

    /// What became of one text.
    struct Walk {
        /// Where and why it was refused; `nil` where it was accepted.
        var refusal: String?
        /// The time of each mask, in microseconds.
        var masks: [Double] = []
    }

    /// Takes the tokens of a text one by one; each must be in the mask, and the end behind the last.
    func walk(_ text: String, _ grammar: Grammar) throws(GrammarError) -> Walk {
        var walk = Walk()
        var state = try grammar.start()
        var mask = [UInt64](repeating: 0, count: trie.maskWords)
        for id in tokenizer.encode(text, addSpecialTokens: false, parseSpecial: false) {
            let begin = ContinuousClock.now
            let result = mask.withUnsafeMutableBufferPointer { mask in
                Result { () throws(GrammarError) in try state.mask(into: mask) }
            }
            try result.get()
            walk.masks.append((ContinuousClock.now - begin).microseconds)
            let isAllowed = mask[Int(id) >> 6] >> UInt64(id & 63) & 1 == 1
            guard isAllowed, try state.accept(id) else {
                let token = JSONValue.string(tokenizer.text(of: id)).serialized
                walk.refusal = "refused at byte \(state.text.count): \(token) may not come here"
                let forced = String(decoding: try state.forcedBytes(), as: UTF8.self)
                if !forced.isEmpty {
                    walk.refusal? += ", only \(JSONValue.string(forced).serialized)"
                }
                return walk
            }
        }
        if !state.isAccepting {
            walk.refusal = "refused at byte \(state.text.count): it may not end here"
        }
        return walk
    }

    /// One schema's line of results.
    func report(name: JSONValue, schema: JSONValue, instances: [JSONValue]) -> JSONValue {
        var result: JSONObject = ["name": name, "compiled": false, "error": nil]
        let begin = ContinuousClock.now
        do throws(GrammarError) {
            let grammar = try Grammar(.jsonSchema(schema, isStrict: isStrict), trie: trie)
            var state = try grammar.start()
            _ = try state.mask()
            let first = (ContinuousClock.now - begin).microseconds
            result["compiled"] = true
            var accepted: [JSONValue] = []
            var masks: [Double] = []
            for instance in instances {
                let text = String(decoding: Self.spelling(instance), as: UTF8.self)
                let walk = try walk(text, grammar)
                accepted.append(.bool(walk.refusal == nil))
                masks += walk.masks
            }
            result["accepted"] = .array(accepted)
            result["first_mask_us"] = .rounded(first)
            result["mask_us"] = Self.summary(masks)
        } catch {
            result["error"] = .string("\(error)")
            result["accepted"] = .array([])
        }
        return .object(result)
    }

    private static func summary(_ times: [Double]) -> JSONValue {
        guard !times.isEmpty else { return .null }
        let sorted = times.sorted()
        func quantile(_ share: Double) -> JSONValue {
            .rounded(sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))])
        }
        return [
            "mean": .rounded(times.reduce(0, +) / Double(times.count)), "p50": quantile(0.5),
            "p99": quantile(0.99), "max": quantile(1),
        ]
    }

    /// A value as a model would write it: a blank behind `,` and `:`, whole numbers without a
    /// fraction.
    static func spelling(_ value: JSONValue) -> [UInt8] {
        var text: [UInt8] = []
        write(value, to: &text)
        return text
    }

    private static func write(_ value: JSONValue, to text: inout [UInt8]) {
        switch value {
        case .array(let elements):
            text.append(UInt8(ascii: "["))
            for (index, element) in elements.enumerated() {
                if index > 0 { text += ", ".utf8 }
                write(element, to: &text)
            }
            text.append(UInt8(ascii: "]"))
        case .object(let object):
            text.append(UInt8(ascii: "{"))
            for (index, member) in object.members.enumerated() {
                if index > 0 { text += ", ".utf8 }
                text += JSONValue.string(member.key).serializedBytes
                text += ": ".utf8
                write(member.value, to: &text)
            }
            text.append(UInt8(ascii: "}"))
        case .number(.literal(let literal)) where literal.hasSuffix(".0"):
            text += (Int(literal.dropLast(2)).map(String.init) ?? literal).utf8
        default: text += value.serializedBytes
        }
    }
}

extension Duration {
    fileprivate var microseconds: Double {
        Double(components.seconds) * 1e6 + Double(components.attoseconds) / 1e12
    }
}

extension JSONValue {
    /// A time with one decimal.
    fileprivate static func rounded(_ value: Double) -> JSONValue {
        JSONValue((value * 10).rounded() / 10)
    }
}
