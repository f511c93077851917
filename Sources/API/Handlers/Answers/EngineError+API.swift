import InferenceRuntime

extension APIError {
    /// What the engine refuses or fails at, in OpenAI's words.
    ///
    /// - Parameter prompt: The request field the prompt came from.
    init(_ error: EngineError, prompt: String) {
        switch error {
        case .contextLengthExceeded(let promptTokens, let limit):
            self = .contextLength(promptTokens: promptTokens, limit: limit, param: prompt)
        case .queueFull:
            self = .tooManyRequests("\(error)", type: "requests", retryAfter: 1)
        case .invalidRequest(let parameter, let message):
            self = .invalid(parameter, message)
        case .constraint:
            self = .invalid(nil, "\(error)", code: "constraint_failed")
        case .stopping:
            self = .unavailable("\(error)", code: "shutting_down")
        case .notANumber, .modelFailure:
            self = .server("\(error)")
        }
    }

    /// The text clients look for to shorten a prompt and try again.
    static func contextLength(promptTokens: Int, limit: Int, param: String) -> APIError {
        .invalid(
            param,
            "This model's maximum context length is \(limit) tokens. However, your \(param) "
                + "resulted in \(promptTokens) tokens. Please reduce the length of the \(param).",
            code: "context_length_exceeded"
        )
    }
}
