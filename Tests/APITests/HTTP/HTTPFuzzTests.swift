import InferenceRuntime
import Testing

@testable import API

@Suite("Mutated requests")
struct HTTPFuzzTests {
    static let seeds = [
        "GET /a?b=c HTTP/1.1\r\nHost: h\r\nAccept: */*\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\n\r\n",
        "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhelloGET /b HTTP/1.1\r\nHost: h\r\n\r\n",
        "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n10\r\n"
            + "0123456789abcdef\r\n0\r\nX: y\r\n\r\nGET /b HTTP/1.0\r\n\r\n",
        "POST /a HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
        "HEAD / HTTP/1.1\r\nHost: [::1]:8000\r\nConnection: close\r\n\r\nrest",
    ]

    /// Bytes that mean something to HTTP, which pure chance would seldom hit.
    static let spice = Array("\r\n\r\n\0 \t:;,0fF%#/?x-Content-Length: 7\r\nTransfer-Encoding".utf8)

    static func mutate(_ bytes: [UInt8], _ dice: inout SplitMix64) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<Int.random(in: 0...2, using: &dice) {
            let index = Int.random(in: 0...max(0, bytes.count - 1), using: &dice)
            guard index < bytes.count else { return bytes }
            switch Int.random(in: 0..<6, using: &dice) {
            case 0: bytes[index] = UInt8.random(in: 0...255, using: &dice)
            case 1: bytes[index] = spice.randomElement(using: &dice) ?? 0
            case 2: bytes.remove(at: index)
            case 3: bytes.insert(spice.randomElement(using: &dice) ?? 0, at: index)
            case 4:
                let end = min(bytes.count, index + Int.random(in: 1...20, using: &dice))
                bytes.insert(contentsOf: bytes[index..<end], at: index)
            default: bytes = Array(bytes[..<index])
            }
        }
        return bytes
    }

    /// What a server that answers everything makes of bytes cut into pieces.
    static func story(_ bytes: [UInt8], cuts: [Int]) -> [String] {
        var reader = Reader()
        var start = 0
        for cut in cuts + [bytes.count] {
            reader.perform(reader.connection.receive(Array(bytes[start..<cut])))
            start = cut
        }
        reader.perform(reader.connection.receiveEnd())
        return reader.story
    }

    /// A server that reads each body to its end, then answers.
    struct Reader {
        var connection = HTTPConnection(headBytes: 4096)
        var story: [String] = []
        var body: [UInt8] = []
        var current = ""

        mutating func perform(_ actions: [HTTPConnection.Action]) {
            for action in actions {
                switch action {
                case .start(let head, let whole):
                    current = "\(head.method.rawValue) \(head.target)"
                    body = whole ?? []
                    whole == nil ? read() : answer("served \(current) with \(body)")
                case .refuse(let error, _): answer("refused \(error.status.rawValue)")
                case .bodyChanged: read()
                case .finished(.abandoned): story.append("abandoned")
                case .linger, .close: story.append("ended")
                case .send, .read, .finished: break
                }
            }
        }

        mutating func read() {
            while true {
                let (step, actions) = connection.takeBody()
                defer {
                    perform(actions.filter { if case .bodyChanged = $0 { false } else { true } })
                }
                switch step {
                case .bytes(let bytes): body += bytes
                case .end: return answer("served \(current) with \(body)")
                case .failed(let error): return answer("refused \(error.status.rawValue)")
                case .wait: return
                }
            }
        }

        mutating func answer(_ line: String) {
            story.append(line)
            perform(connection.beginResponse(.ok, [:], length: .bytes(0)))
            perform(connection.endResponse())
        }
    }

    @Test("unmutated, they are all served")
    func seedsAreSound() {
        let stories = Self.seeds.map { Self.story(Array($0.utf8), cuts: []) }
        #expect(
            stories == [
                ["served GET /a?b=c with []", "served GET /b with []", "ended"],
                ["served POST /a with \(Array("hello".utf8))", "served GET /b with []", "ended"],
                [
                    "served POST /a with \(Array("abc0123456789abcdef".utf8))",
                    "served GET /b with []", "ended",
                ],
                ["served POST /a with \(Array("abc".utf8))", "ended"],
                ["served HEAD / with []", "ended"],
            ]
        )
    }

    @Test("mean the same however they are cut, and never break the state machine")
    func cuts() {
        var dice = SplitMix64(state: 20_261_121)
        var (served, refused) = (0, 0)
        for round in 0..<2500 {
            let seed = Array(Self.seeds[round % Self.seeds.count].utf8)
            let bytes = Self.mutate(seed, &dice)
            guard bytes.count > 1 else { continue }
            let whole = Self.story(bytes, cuts: [])
            let cuts = (0..<Int.random(in: 1...6, using: &dice))
                .map { _ in Int.random(in: 0...bytes.count, using: &dice) }
            let parts = Self.story(bytes, cuts: cuts.sorted())
            #expect(whole == parts, "\(String(decoding: bytes, as: UTF8.self).debugDescription)")
            served += whole.count { $0.hasPrefix("served") }
            refused += whole.count { $0.hasPrefix("refused") }
        }
        #expect(served > 1000 && refused > 500, "\(served) served, \(refused) refused")
    }

    @Test("random bytes never break the state machine")
    func noise() {
        var dice = SplitMix64(state: 7)
        for _ in 0..<1000 {
            let count = Int.random(in: 1...300, using: &dice)
            let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &dice) }
            let story = Self.story(bytes, cuts: [count / 2])
            #expect(story.allSatisfy { !$0.hasPrefix("served") })
        }
    }

    @Test("mutated forms mean the same however they are cut")
    func forms() {
        var dice = SplitMix64(state: 3)
        for _ in 0..<1500 {
            let bytes = Self.mutate(Array(MultipartTests.body.utf8), &dice)
            #expect(Self.form(bytes, every: bytes.count + 1) == Self.form(bytes, every: 5))
        }
    }

    private static func form(_ bytes: [UInt8], every size: Int) -> String {
        let type = MultipartTests.type
        guard var parser = try? MultipartParser(contentType: type, limits: MultipartLimits())
        else { return "?" }
        var text = ""
        for start in stride(from: 0, to: bytes.count, by: size) {
            let chunk = Array(bytes[start..<min(start + size, bytes.count)])
            guard let events = try? parser.append(chunk) else { return "refused" }
            for event in events {
                switch event {
                case .part(let part): text += "[\(part)"
                case .content(let content): text += content.map { "\($0)," }.joined()
                case .partEnd: text += "]"
                case .end: text += "."
                }
            }
        }
        return text
    }
}
