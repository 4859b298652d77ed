(limit) => new Promise((resolve) => {
  const kinds = {
    known: "#time-filter, .js-time-filter-form, #orderDetails",
    question: "#captchacharacters, form[action*='validateCaptcha'], #aa-challenge-page-captcha-container, form.cvf-widget-form-captcha",
    sign_in: "form[name='signIn']",
  };
  const kind = () => Object.keys(kinds).find((one) => document.querySelector(kinds[one]) !== null);
  const end = (found) => { observer.disconnect(); clearTimeout(timer); resolve(found); };
  const observer = new MutationObserver(() => kind() && end(kind()));
  const timer = setTimeout(() => end("other"), limit);
  observer.observe(document, { childList: true, subtree: true });
  if (kind()) end(kind());
})
