"""HTML read back strictly, for tests: every element closed in order, and the text a reader sees."""

from html.parser import HTMLParser

VOID = {"meta", "col", "link", "input"}


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.stack, self.elements, self.words, self.ids = [], [], [], []
        self.feed(text)
        self.close()
        assert not self.stack, f"never closed: {self.stack}"

    def handle_starttag(self, name, attributes):
        at = dict(attributes)
        assert len(at) == len(attributes), f"{name} has an attribute twice"
        self.elements.append((name, at))
        self.ids += [at["id"]] if "id" in at else []
        if name not in VOID:
            self.stack.append(name)

    def handle_endtag(self, name):
        assert self.stack and self.stack.pop() == name, f"</{name}> closes another element"

    def handle_data(self, data):
        if self.stack[-1:] != ["style"]:
            self.words.append(data)

    @property
    def text(self):
        """With one plain space for every run of spaces, thin ones too."""
        return " ".join(" ".join(self.words).split())

    def of(self, name, kind=""):
        return [at for found, at in self.elements if found == name and kind in ["", *at.get("class", "").split()]]
