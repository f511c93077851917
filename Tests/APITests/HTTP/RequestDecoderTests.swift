import Testing

@testable import API

@Suite("The decoder")
struct RequestDecoderTests {
    @Test("a closed decoder leaves nothing behind", arguments: ["", "GET / HTTP/1.1\r\nHo", "\0"])
    func freed(_ text: String) {
        weak var channel: AnyObject?
        do {
            let decoder = RequestDecoder(headBytes: 1000)
            channel = Mirror(reflecting: decoder).descendant("channel") as AnyObject?
            #expect(channel != nil)
            var events: [RequestDecoder.Event] = []
            try? decoder.decode(Array(text.utf8)[...], into: &events)
            decoder.close()
        }
        #expect(channel == nil)
    }
}
