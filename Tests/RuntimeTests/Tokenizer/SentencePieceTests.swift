import Foundation
import TestSupport
import Testing

@testable import InferenceRuntime

/// `tokenizer.model` against the sentencepiece library (`Tests/Fixtures/sentencepiece/make.py`).
@Suite("A tokenizer.model alone is a tokenizer")
struct SentencePieceTests {
    private let root = SharedData.packageRoot + "/Tests/Fixtures/sentencepiece"

    private func bytes(_ name: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: URL(filePath: root + "/" + name)))
    }

    @Test(
        "ids are the library's, with the first token before them",
        arguments: ["unigram", "bpe", "unigram-bytes"]
    )
    func ids(name: String) throws {
        let expected = try JSONValue(parsing: bytes("expected.json"))[name]?.array ?? []
        #expect(expected.count > 8)
        try withTemporaryFolder { folder in
            try Data(bytes(name + ".model")).write(to: URL(filePath: folder + "/tokenizer.model"))
            let tokenizer = try Tokenizer(folder: folder)
            for entry in expected {
                let text = entry["text"]?.string ?? ""
                let wanted = entry["ids"]?.array?.compactMap(\.int).map { Int32($0) } ?? []
                let ids = tokenizer.encode(text, addSpecialTokens: true, parseSpecial: true)
                #expect(ids == [1] + wanted, "\(text)")
            }
            #expect(tokenizer.bosID == 1 && tokenizer.eosID == 2 && tokenizer.isSpecial(1))
            let tool = tokenizer.encode("<tool>", addSpecialTokens: false, parseSpecial: true)
            #expect(tool.contains(3))
        }
    }

    @Test("tokenizer_config.json says whether texts begin with a token")
    func config() throws {
        let model = try SentencePieceModel(bytes("bpe.model"))
        let document = try model.document(config: ["add_bos_token": false, "eos_token": "x"])
        #expect(document.tokenizer["post_processor"] == nil)
        #expect(document.config["eos_token"] == "x" && document.config["bos_token"] == "<s>")
    }

    @Test("a file cut anywhere or changed is an error or a tokenizer")
    func damaged() throws {
        let whole = try bytes("bpe.model")
        var random = SplitMix64(state: 3)
        for round in 0..<400 {
            var bytes = whole
            if round % 2 == 0 {
                bytes = Array(bytes.prefix(Int(random.next() % UInt64(whole.count))))
            } else {
                bytes[Int(random.next() % UInt64(whole.count))] = UInt8(
                    truncatingIfNeeded: random.next()
                )
            }
            _ = try? SentencePieceModel(bytes).document(config: nil)
        }
    }
}
