import Testing
import Trainer

@Suite("BLEU and ROUGE")
struct TextMetricsTests {
    /// Made by NLTK 3.9: `sentence_bleu([list(reference)], list(answer),
    /// smoothing_function=SmoothingFunction().method3)`.
    @Test(
        "BLEU-4 is NLTK's over characters",
        arguments: [
            ("the cat sat on the mat", "the cat is on the mat", 0.7839204411491599),
            ("abc", "abd", 0.4518010018049224),
            ("the cat", "the cat sat on the mat", 0.11731916609425078),
        ]
    )
    func bleu(_ answer: String, _ reference: String, _ expected: Double) {
        #expect(abs(BLEU.score(answer, reference: reference) - expected) < 1e-12)
    }

    @Test("equal texts score 1, disjoint and empty ones 0")
    func extremes() {
        #expect(BLEU.score("exactly this", reference: "exactly this") == 1)
        #expect(BLEU.score("", reference: "this") == 0)
        #expect(BLEU.score("xyz", reference: "abc") == 0)
        #expect(ROUGE("exactly this", reference: "exactly this").rougeL == 1)
        #expect(ROUGE("", reference: "this").rouge1 == 0)
    }

    /// By hand: answer of 6 words, reference of 6, 5 unigrams and 3 bigrams in common.
    @Test("ROUGE is F1 over words")
    func rouge() {
        let scores = ROUGE("The cat sat on the mat", reference: "the cat is on the mat")
        #expect(abs(scores.rouge1 - 5.0 / 6) < 1e-12)
        #expect(abs(scores.rouge2 - 3.0 / 5) < 1e-12)
        #expect(abs(scores.rougeL - 5.0 / 6) < 1e-12)
    }

    @Test("ideographs count one by one")
    func ideographs() {
        #expect(ROUGE("你好世界", reference: "你好朋友").rouge1 == 0.5)
    }
}
