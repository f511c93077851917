import Foundation
import Testing

@testable import InferenceRuntime

/// What is derived from templates, tried on what the same templates render.
@Suite("Answer formats")
struct AnswerFormatTests {
    static func fold(_ parts: [AnswerPart]) -> Answer {
        var answer = Answer()
        for part in parts { answer.take(part) }
        return answer
    }

    /// An answer put together again.
    struct Answer: Equatable {
        var thought = ""
        var content = ""
        var calls: [[String]] = []

        mutating func take(_ part: AnswerPart) {
            switch part {
            case .thought(let text): thought += text
            case .content(let text): content += text
            case .call(_, let name): calls.append([name, ""])
            case .arguments(let index, let text): calls[index][1] += text
            }
        }
    }

    static let tools: [String: JSONValue] = [
        "get_weather": [
            "type": "object",
            "properties": ["city": ["type": "string"], "unit": ["type": "string"]],
        ],
        "calculate": [
            "type": "object",
            "properties": ["expression": ["type": "string"], "precision": ["type": "integer"]],
        ],
    ]

    static func parse(
        _ text: String,
        _ format: AnswerFormat,
        isThinking: Bool = false,
        pieces: Int = .max
    ) -> Answer {
        var parser = AnswerParser(format, isThinking: isThinking, tools: tools)
        var parts: [AnswerPart] = []
        var rest = Substring(text)
        while !rest.isEmpty {
            parts += parser.feed(String(rest.prefix(pieces)))
            rest = rest.dropFirst(pieces)
        }
        return fold(parts + parser.finish())
    }
}
