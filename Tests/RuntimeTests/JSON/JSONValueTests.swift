import InferenceRuntime
import Testing

@Suite("JSON keeps what clients wrote")
struct JSONValueTests {
    @Test("key order, number spelling and duplicates survive a round trip")
    func roundTrip() throws {
        let text = #"{"b":1.0,"a":[1,-0,1e5,12345678901234567890],"b":null,"é":"\n\"\u0001"}"#
        #expect(try JSONValue(parsing: text).serialized == text)
    }

    @Test("the last of two equal keys counts, and the duplicate is reported")
    func duplicates() throws {
        let object = try #require(JSONValue(parsing: #"{"a":1,"a":2}"#).object)
        #expect(object["a"]?.int == 2)
        #expect(object.firstDuplicateKey == "a")
    }

    @Test("canonically equivalent keys stay apart")
    func equivalentKeys() throws {
        let value = try JSONValue(parsing: "{\"\u{E9}\":1,\"e\u{301}\":2}")
        #expect(value["\u{E9}"]?.int == 1)
        #expect(value["e\u{301}"]?.int == 2)
    }

    @Test("surrogate pairs become one scalar")
    func surrogates() throws {
        #expect(try JSONValue(parsing: #""\ud83d\ude00""#).string == "😀")
    }

    @Test(
        "what RFC 8259 does not allow is refused with an offset",
        arguments: [
            "", "{", "[1,]", "{\"a\" 1}", "01", "1.", "+1", "nul", "\"\u{1}\"", "1 2", "\"\\x\"",
            #""\ud800""#, #""\ud800\u0041""#, #""\udc00""#, "{a:1}", "[1 2]", "\"", "\"\\", "-",
            "\"\\u12", "'a'", "[", "1e", "\u{FEFF}1",
        ]
    )
    func refusals(_ text: String) {
        #expect(throws: JSONError.self) { try JSONValue(parsing: text) }
    }

    @Test("invalid UTF-8 in a string is refused")
    func invalidEncoding() {
        #expect(throws: JSONError.self) { try JSONValue(parsing: [0x22, 0xC3, 0x28, 0x22]) }
    }

    @Test("nesting is bounded")
    func depth() throws {
        let deep = String(repeating: "[", count: 101) + String(repeating: "]", count: 101)
        #expect(throws: JSONError.self) { try JSONValue(parsing: deep) }
        #expect(throws: Never.self) { try JSONValue(parsing: String(deep.dropFirst().dropLast())) }
    }

    @Test("integers are never rounded on the way to Int")
    func integers() throws {
        #expect(try JSONValue(parsing: "3.0").int == 3)
        #expect(try JSONValue(parsing: "3.5").int == nil)
        #expect(try JSONValue(parsing: "1e300").int == nil)
        #expect(try JSONValue(parsing: "9223372036854775807").int == Int.max)
    }

    @Test("a large object behaves as a small one: order, duplicates, changes and removals")
    func objects() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<200 {
            let keys = (0..<Int.random(in: 1...30, using: &random)).map { "k\($0)" }
            var members: [(key: String, value: JSONValue)] = (0..<20).map {
                (key: keys.randomElement(using: &random) ?? "", value: JSONValue($0))
            }
            var object = JSONObject(members)
            for step in 20..<60 {
                let key = keys.randomElement(using: &random) ?? ""
                let value: JSONValue? =
                    Bool.random(using: &random) ? .some(JSONValue(step)) : .none
                object[key] = value
                let place = members.lastIndex { $0.key == key }
                switch (place, value) {
                case (let place?, let value?): members[place].value = value
                case (let place?, nil): members.remove(at: place)
                case (nil, let value?): members.append((key: key, value: value))
                case (nil, nil): break
                }
                #expect(object == JSONObject(members))
                for key in keys {
                    #expect(object[key] == members.last { $0.key == key }?.value)
                }
            }
        }
    }

    @Test("an object of 300,000 keys is filled and read in no time", .timeLimit(.minutes(1)))
    func largeObject() throws {
        var object = JSONObject()
        for number in 0..<300_000 { object["key \(number)"] = JSONValue(number) }
        for number in 0..<300_000 { #expect(object["key \(number)"]?.int == number) }
        #expect(object.firstDuplicateKey == nil)
        let copy = try #require(JSONValue(parsing: JSONValue.object(object).serialized).object)
        #expect(copy == object)
    }

    @Test("a document written piece by piece is the one written whole")
    func pieces() {
        var text = JSONText()
        text.object { text in
            text.members(of: ["a": 1, "b": [true, nil]])
            text.member("c") {
                $0.array {
                    $0.element("x"); $0.object { _ in }; $0.array { _ in }
                }
            }
            text.member("\"") { $0.object { $0.member("d", [:]) } }
        }
        let expected = #"{"a":1,"b":[true,null],"c":["x",{},[]],"\"":{"d":{}}}"#
        #expect(String(decoding: text.bytes, as: UTF8.self) == expected)
    }
}
