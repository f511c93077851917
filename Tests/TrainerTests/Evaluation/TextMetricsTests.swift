import Foundation
import InferenceRuntime
import TestSupport
import Testing
import Trainer

@Suite("BLEU and ROUGE")
struct TextMetricsTests {
    /// Made by `Tests/Fixtures/metrics/make.py` with NLTK, jieba and rouge_chinese.
    @Test("BLEU-4 and ROUGE are LLaMA-Factory's")
    func reference() throws {
        let path = SharedData.packageRoot + "/Tests/Fixtures/metrics/metrics.json"
        let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        let cases = try #require(try JSONValue(parsing: [UInt8](bytes)).array)
        #expect(cases.count > 50)
        for json in cases {
            let answer = try #require(json["answer"]?.string)
            let reference = try #require(json["reference"]?.string)
            let rouge = ROUGE(answer, reference: reference)
            let found = [
                "bleu-4": BLEU.score(answer, reference: reference), "rouge-1": rouge.rouge1,
                "rouge-2": rouge.rouge2, "rouge-l": rouge.rougeL,
            ]
            for (name, score) in found {
                // rouge_chinese adds 1e-8 to a denominator.
                let wanted = try #require(json[name]?.double)
                #expect(abs(score - wanted) < 1e-7, "\(name) of '\(answer)'")
            }
        }
    }

    @Test("equal texts score 1, disjoint and empty ones 0")
    func extremes() {
        #expect(BLEU.score("exactly this", reference: "exactly this") == 1)
        #expect(BLEU.score("", reference: "this") == 0)
        #expect(BLEU.score("xyz", reference: "abc") == 0)
        #expect(ROUGE("exactly this", reference: "exactly this").rougeL == 1)
        #expect(ROUGE("", reference: "this").rouge1 == 0)
    }

    @Test("ideographs count one by one")
    func ideographs() {
        #expect(ROUGE("你好世界", reference: "你好朋友").rouge1 == 0.5)
    }

    @Test("means are over examples, and white space at the ends does not make an answer inexact")
    func means() {
        let scores = AnswerScores([
            Prediction(prompt: "p", answer: "yes it is \n", reference: "yes it is"),
            Prediction(prompt: "p", answer: "no", reference: "yes it is"),
        ])
        #expect(scores.examples == 2)
        #expect(scores.exactMatch == 0.5)
        #expect(scores.rouge1 == 0.5)
        #expect(AnswerScores([]).bleu4 == 0)
    }
}
