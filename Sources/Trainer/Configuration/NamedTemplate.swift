/// A prompt format by the name LLaMA-Factory's `template` has for it, for checkpoints without a chat
/// template.
///
/// The formats are those their models were published with. `{}` stands for a message's content,
/// `{bos}` and `{eos}` for the tokenizer's tokens.
public struct NamedTemplate: Sendable {
    /// What stands before everything.
    private var prefix = ""
    /// A question, and all that leads to the answer.
    private let user: String
    /// The answer and its end.
    private var assistant = "{}{eos}"
    /// The system prompt.
    private var system = "{}"
    /// The system prompt where a conversation has none.
    private var defaultSystem = ""
    /// Whether the system prompt is a part of the first question.
    private var systemIsInQuestion = false

    private init(user: String) { self.user = user }

    /// The format of a name; `nil` where facet does not have it.
    public init?(_ name: String) {
        guard let format = Self.formats[name] ?? Self.formats[Self.aliases[name] ?? ""] else {
            return nil
        }
        self = format
    }

    /// The format as a Jinja template: what `--chat-template` of a server takes.
    public var jinja: String {
        let system =
            "(messages[0].content if messages and messages[0].role == 'system' else "
            + "\(Self.literal(defaultSystem)))"
        let question = Self.filled(user, systemIsInQuestion ? "ns.system + m.content" : "m.content")
        let first = "{% set ns = namespace(system=\(system)) %}\(Self.filled(prefix, ""))"
        let intro = "{% if ns.system %}" + Self.filled(self.system, "ns.system") + "{% endif %}"
        let fold =
            "{% if ns.system %}{% set ns.system = "
            + Self.expression(self.system, "ns.system") + " %}{% endif %}"
        return first + (systemIsInQuestion ? fold : intro)
            + "{% for m in messages %}{% if m.role == 'assistant' %}"
            + Self.filled(assistant, "m.content")
            + "{% elif m.role != 'system' %}" + question
            + (systemIsInQuestion ? "{% set ns.system = '' %}" : "")
            + "{% endif %}{% endfor %}"
    }

    /// A format as text with expressions in place of its marks.
    private static func filled(_ format: String, _ content: String) -> String {
        format.isEmpty ? "" : "{{ " + expression(format, content) + " }}"
    }

    /// A format as one expression, so that no line break at a tag is trimmed.
    private static func expression(_ format: String, _ content: String) -> String {
        var rest = format[...]
        var parts: [String] = []
        while let open = rest.firstIndex(of: "{"), let close = rest[open...].firstIndex(of: "}") {
            if open > rest.startIndex { parts.append(literal(String(rest[..<open]))) }
            switch rest[rest.index(after: open)..<close] {
            case "bos": parts.append("bos_token")
            case "eos": parts.append("eos_token")
            default: parts.append("(\(content))")
            }
            rest = rest[rest.index(after: close)...]
        }
        if !rest.isEmpty { parts.append(literal(String(rest))) }
        return parts.joined(separator: " ~ ")
    }

    private static func literal(_ text: String) -> String {
        "'"
            + text.replacing("\\", with: "\\\\").replacing("'", with: "\\'")
            .replacing("\n", with: "\\n") + "'"
    }

    private func with(_ change: (inout NamedTemplate) -> Void) -> NamedTemplate {
        var changed = self
        change(&changed)
        return changed
    }

    private static let chatML = NamedTemplate(
        user: "<|im_start|>user\n{}<|im_end|>\n<|im_start|>assistant\n"
    ).with {
        $0.assistant = "{}<|im_end|>\n"
        $0.system = "<|im_start|>system\n{}<|im_end|>\n"
    }

    private static let formats: [String: NamedTemplate] = [
        "alpaca": NamedTemplate(user: "### Instruction:\n{}\n\n### Response:\n").with {
            $0.assistant = "{}{eos}\n\n"
            $0.defaultSystem =
                "Below is an instruction that describes a task. Write a response that "
                + "appropriately completes the request.\n\n"
        },
        "chatml": chatML,
        "qwen": chatML.with {
            $0.defaultSystem =
                "You are Qwen, created by Alibaba Cloud. You are a helpful assistant."
        },
        "default": NamedTemplate(user: "Human: {}{eos}\nAssistant:").with {
            $0.assistant = "{}{eos}\n"
            $0.system = "System: {}{eos}\n"
        },
        "deepseek": NamedTemplate(user: "User: {}\n\nAssistant:").with {
            $0.prefix = "{bos}"
            $0.system = "{}\n\n"
        },
        "gemma": NamedTemplate(
            user: "<start_of_turn>user\n{}<end_of_turn>\n<start_of_turn>model\n"
        ).with {
            $0.prefix = "{bos}"
            $0.assistant = "{}<end_of_turn>\n"
            $0.system = "{}\n\n"
            $0.systemIsInQuestion = true
        },
        "llama2": NamedTemplate(user: "{bos}[INST] {} [/INST]").with {
            $0.system = "<<SYS>>\n{}\n<</SYS>>\n\n"
            $0.systemIsInQuestion = true
        },
        "llama3": NamedTemplate(
            user: "<|start_header_id|>user<|end_header_id|>\n\n{}<|eot_id|>"
                + "<|start_header_id|>assistant<|end_header_id|>\n\n"
        ).with {
            $0.prefix = "{bos}"
            $0.assistant = "{}<|eot_id|>"
            $0.system = "<|start_header_id|>system<|end_header_id|>\n\n{}<|eot_id|>"
        },
        "mistral": NamedTemplate(user: "[INST] {}[/INST]").with {
            $0.prefix = "{bos}"
            $0.assistant = " {}{eos}"
            $0.system = "{}\n\n"
            $0.systemIsInQuestion = true
        },
        "phi": NamedTemplate(user: "<|user|>\n{}<|end|>\n<|assistant|>\n").with {
            $0.assistant = "{}<|end|>\n"
            $0.system = "<|system|>\n{}<|end|>\n"
        },
        "vicuna": NamedTemplate(user: "USER: {} ASSISTANT:").with {
            $0.defaultSystem =
                "A chat between a curious user and an artificial intelligence assistant. The "
                + "assistant gives helpful, detailed, and polite answers to the user's questions."
        },
        "zephyr": NamedTemplate(user: "<|user|>\n{}{eos}<|assistant|>\n").with {
            $0.system = "<|system|>\n{}{eos}"
            $0.defaultSystem = "You are Zephyr, a helpful assistant."
        },
    ]

    private static let aliases = [
        "gemma2": "gemma", "gemma3": "gemma", "yi": "chatml", "phi4_mini": "phi",
    ]
}
