// What kinds of files that field takes, and whose it is.
function () {
  return [this.accept, location.origin];
}
