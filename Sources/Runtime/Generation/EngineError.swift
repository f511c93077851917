/// Why the engine refuses or ends a request.
public enum EngineError: Error, Sendable, Hashable {
    /// The prompt alone is longer than the context.
    case contextLengthExceeded(promptTokens: Int, limit: Int)
    /// As many choices of the tenant wait as may; try again later.
    case queueFull(limit: Int)
    /// A value out of its range; `parameter` is the request's field.
    case invalidRequest(parameter: String, message: String)
    /// The model gave numbers that are none for this request (a broken adapter, most likely).
    case notANumber
    /// The answer can't be held to its constraint any more.
    case constraint(String)
    /// The engine is being stopped.
    case stopping
    /// The forward pass failed.
    case modelFailure(String)
}

extension EngineError: CustomStringConvertible {
    /// A sentence for people.
    public var description: String {
        switch self {
        case .contextLengthExceeded(let promptTokens, let limit):
            "This model's maximum context length is \(limit) tokens. However, your prompt has "
                + "\(promptTokens) tokens. Please reduce its length."
        case .queueFull(let limit):
            "The server is overloaded: as many choices of your requests are waiting as may (at "
                + "most \(limit)). Try again later."
        case .invalidRequest(_, let message): message
        case .notANumber:
            "The model gave no valid probabilities for this request; its adapter may be damaged."
        case .constraint(let message): "The answer can't be held to its constraint: \(message)"
        case .stopping: "The server is shutting down."
        case .modelFailure(let message): "The model failed: \(message)"
        }
    }
}
