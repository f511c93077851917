import InferenceRuntime

/// Fields of other servers that would change an answer and that are not honoured.
///
/// A field that nobody knows is ignored, as OpenAI's SDKs expect. One of these is refused by name
/// unless it has the value at which it does nothing.
enum UnsupportedFields {
    /// What would change the sampling or the text, with the values that change nothing.
    private static let neutral: [(name: String, values: [JSONValue])] = [
        ("use_beam_search", [false]), ("length_penalty", [1]), ("early_stopping", [false]),
        ("include_stop_str_in_output", [false]), ("spaces_between_special_tokens", [true]),
        ("truncate_prompt_tokens", []), ("logits_processors", [[]]), ("thinking_budget", []),
        ("thinking_token_budget", []), ("typical_p", [1]),
        ("top_a", [0]), ("tfs_z", [1]), ("top_n_sigma", [-1]), ("repeat_penalty", [1]),
        ("mirostat", [0]), ("dynatemp_range", [0]), ("dry_multiplier", [0]),
        ("xtc_probability", [0]), ("n_predict", [-1]), ("n_probs", [0]), ("samplers", []),
        ("chat_template", []), ("documents", []),
    ]

    static func refuse(_ fields: RequestFields) throws(APIError) {
        for (name, values) in neutral {
            guard let value = fields[name] else { continue }
            guard !values.contains(where: { isSame($0, value) }) else { continue }
            let advice = values.first.map { "remove the field or set it to \($0.serialized)" }
            throw .unsupported(name, advice ?? "remove the field")
        }
    }

    private static func isSame(_ left: JSONValue, _ right: JSONValue) -> Bool {
        if let left = left.double, let right = right.double { return left == right }
        return left == right
    }
}
