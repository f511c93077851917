/// What a person can do next, once the server listens.
struct StartHint {
    /// The base's name in requests.
    let base: String
    /// The adapters that were given at the start.
    let adapters: [String]
    /// Whether the demo is served, whose questions are known.
    let isDemo: Bool
    /// Whether the address is a page too.
    let hasConsole: Bool

    /// The lines to show for a server at `url`.
    func text(url: String) -> String {
        var lines = ["models: " + ([base] + adapters).joined(separator: ", "), "try:"]
        let model = isDemo ? base : adapters.first ?? base
        let question = isDemo ? "What does the Norvik kettle cost?" : "Hello!"
        let body =
            #"{"model": "\#(model)", "messages": [{"role": "user", "content": "\#(question)"}]}"#
        // One line, so that it can be taken as it is.
        lines.append(
            "  curl \(url)/v1/chat/completions -H 'Content-Type: application/json' -d '\(body)'"
        )
        if hasConsole { lines.append("  open \(url)    # the console") }
        if isDemo {
            lines.append("  examples/quickstart \(url)    # trains one more in half a minute")
        }
        return lines.joined(separator: "\n")
    }
}
