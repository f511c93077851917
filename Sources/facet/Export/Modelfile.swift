import Foundation
import InferenceRuntime

/// Ollama's description of an exported model, beside it.
struct Modelfile {
    /// The .gguf file.
    let model: String
    /// The checkpoint whose template it has.
    let source: String

    /// Templates that Ollama writes in its own language, by what the Jinja source contains, and where
    /// answers stop.
    private static let known: [(mark: String, template: String, stops: [String])] = [
        (
            "<|im_start|>",
            """
            {{- range .Messages }}<|im_start|>{{ .Role }}
            {{ .Content }}<|im_end|>
            {{ end }}<|im_start|>assistant

            """, ["<|im_end|>", "<|im_start|>"]
        ),
        (
            "<|start_header_id|>",
            """
            {{- range .Messages }}<|start_header_id|>{{ .Role }}<|end_header_id|>

            {{ .Content }}<|eot_id|>{{ end }}<|start_header_id|>assistant<|end_header_id|>


            """, ["<|eot_id|>", "<|start_header_id|>"]
        ),
        (
            "<start_of_turn>",
            """
            {{- range .Messages }}<start_of_turn>{{ if eq .Role "assistant" }}model{{ else }}user{{ end }}
            {{ .Content }}<end_of_turn>
            {{ end }}<start_of_turn>model

            """, ["<end_of_turn>"]
        ),
    ]

    var text: String {
        var lines = ["FROM ./" + URL(fileURLWithPath: model).lastPathComponent]
        let jinja = (try? ChatTemplateSet.load(folder: source))?.main.source ?? ""
        if let known = Self.known.first(where: { jinja.contains($0.mark) }) {
            lines.append("TEMPLATE \"\"\"" + known.template + "\"\"\"")
            lines += known.stops.map { "PARAMETER stop \"\($0)\"" }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// Writes `Modelfile` into the model's folder.
    func write() throws {
        let folder = URL(fileURLWithPath: model).deletingLastPathComponent()
        try Data(text.utf8).write(to: folder.appending(path: "Modelfile"), options: .atomic)
    }
}
