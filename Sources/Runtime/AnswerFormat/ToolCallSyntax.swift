/// The form in which a model writes tool calls.
///
///     opening  callOpening BODY callClosing  separator  callOpening BODY callClosing  closing
///
/// White space between the parts does not matter when an answer is read; it is kept as the template
/// writes it, for whoever makes a grammar of the form.
public struct ToolCallSyntax: Sendable, Hashable {
    /// How one call says the function's name and its arguments.
    public enum Body: Sendable, Hashable {
        /// A JSON object with the name and the arguments under these keys.
        case object(name: String, arguments: String)
        /// A JSON object whose single key is the name and whose value is the arguments.
        case keyed
        /// The name, some text, and the arguments as a JSON object. Where a call's id is written, it
        /// stands before the arguments, and more text may.
        case named(separator: String, hasID: Bool)
        /// The name, and every argument in tags of its own.
        case tagged(Tags)
        /// A call as Python writes it: `name(key="value", other=1)`.
        case python
        /// The name and braces: `name{key:<|"|>value<|"|>,other:1}`.
        case braced(quote: String)
    }

    /// How an argument is written in tags: `open KEY keyEnd … valueStart VALUE close`.
    public struct Tags: Sendable, Hashable {
        /// What follows the function's name.
        public let nameEnd: String
        /// What comes before an argument's name.
        public let open: String
        /// What follows an argument's name.
        public let keyEnd: String
        /// What comes right before the value, where something that varies lies in between.
        public let valueStart: String
        /// What follows the value.
        public let close: String
    }

    /// Before the first call.
    public var opening = ""
    /// Before each call, up to its body.
    public var callOpening: String
    /// The body of a call.
    public var body: Body
    /// After each call's body.
    public var callClosing: String
    /// Between calls.
    public var separator = ""
    /// After the last call.
    public var closing = ""

    /// A form of given parts.
    public init(
        opening: String = "",
        callOpening: String,
        body: Body,
        callClosing: String,
        separator: String = "",
        closing: String = ""
    ) {
        self.opening = opening
        self.callOpening = callOpening
        self.body = body
        self.callClosing = callClosing
        self.separator = separator
        self.closing = closing
    }

    /// The form that most models know (Nous Research's Hermes 2 Pro), and the one for templates that
    /// know no tools.
    public static let hermes = ToolCallSyntax(
        callOpening: "<tool_call>\n",
        body: .object(name: "name", arguments: "arguments"),
        callClosing: "\n</tool_call>",
        separator: "\n"
    )

    /// The text that tells that calls begin; empty where a call is a bare JSON object or list.
    var trigger: [UInt8] {
        let first = Array(opening.utf8).trimmed.isEmpty ? callOpening : opening
        var bytes = Array(first.utf8).trimmed
        // A bracket of JSON may be written apart from the tag before it.
        while bytes.count > 1, let last = bytes.last, last == UInt8(ascii: "[") {
            bytes.removeLast()
            bytes = bytes.trimmed
        }
        return bytes == [UInt8(ascii: "[")] ? [] : bytes
    }

    /// Every text of the form that a tokenizer may have as a special token.
    var markers: [String] {
        var texts = [opening, callOpening, callClosing, separator, closing]
        switch body {
        case .named(let separator, _): texts.append(separator)
        case .tagged(let tags):
            texts += [tags.nameEnd, tags.open, tags.keyEnd, tags.valueStart, tags.close]
        case .braced(let quote): texts.append(quote)
        case .object, .keyed, .python: break
        }
        return texts.filter { !$0.isEmpty }
    }
}
