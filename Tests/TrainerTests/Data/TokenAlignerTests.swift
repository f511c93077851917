import Foundation
import InferenceRuntime
import Testing

@testable import Trainer

/// A tokenizer as Llama 2 has it: a space is written as U+2581, and that character is one then.
private struct SpaceMarkTokenizer: ExampleTokenizer {
    let specialIDs: Set<Int32> = []

    func token(of id: Int32) -> String? { nil }

    func encode(_ text: String, addSpecialTokens: Bool, parseSpecial: Bool) -> [Int32] {
        text.unicodeScalars.map { $0 == " " ? 0x2581 : Int32($0.value) }
    }

    func bytes(of id: Int32) -> [UInt8] {
        let scalar = id == 0x2581 ? " " : Unicode.Scalar(UInt32(id)) ?? "?"
        return Array(String(Character(scalar)).utf8)
    }
}

@Suite("Tokens are found in the text they stand for")
struct TokenAlignerTests {
    @Test("a text may hold the character that SentencePiece writes for a space")
    func spaceMarks() throws {
        let (question, answer) = ("load of \u{2581}\u{2582}? ", "\u{2581}\u{2582} low \u{2581}")
        let text = question + answer
        let tokenizer = SpaceMarkTokenizer()
        let ids = tokenizer.encode(text, addSpecialTokens: false, parseSpecial: true)
        let owners = TokenAligner(tokenizer: tokenizer, text: text, ids: ids)
            .owners(of: [question.utf8.count..<text.utf8.count])
        let expected =
            [Int?](repeating: nil, count: question.unicodeScalars.count)
            + [Int?](repeating: 0, count: answer.unicodeScalars.count)
        #expect(owners == expected)
    }
}
