"use strict";
// A button on each block of commands. The clipboard is there on https and localhost only; elsewhere the text is selected.
for (const block of document.querySelectorAll("pre")) {
  const frame = document.createElement("div");
  frame.className = "copyable";
  block.replaceWith(frame);
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "复制";
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(block.textContent);
      button.textContent = "已复制";
    } catch {
      window.getSelection().selectAllChildren(block);
      button.textContent = "已选中";
    }
    setTimeout(() => { button.textContent = "复制"; }, 2000);
  });
  frame.append(block, button);
}
