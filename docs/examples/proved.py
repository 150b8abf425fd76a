"""Reserve what the analyser found, and compare it with what calls hold."""

from mailbox import lines_of

from hardtack import bound
from hardtack.heap import Heap

heap = Heap("16 MiB", name="mail")
found = bound("mailbox:lines_of")
call = heap.call(found.for_call)(lines_of)

TEXTS = {  # of 12,000 characters each
    "long lines": ("Subject of a message: hello, how are you today?\n" + " " * 12) * 200,
    "lines of one word": "Subject\n" * 1500,
    "lines of one character": "€\n" * 6000,
}
for name, text in TEXTS.items():
    call(text)
    reserved, (held, _) = found.for_call(text), heap.last_call()
    print(f"{name:23} {reserved:8} reserved {held:7} held, ratio {reserved / held:.1f}")
print("calls beyond their bound:", heap.statistics().overruns)
