// A page of the stand-in: makes its elements, sends what is filled in, and leaves marked values in the browser. `spec` is `Spec` of
// site.rs.

document.currentScript.remove();

const make = ([tag, attributes, text, children]) => {
  const element = document.createElement(tag);
  fill(element, attributes, text, children);
  return element;
};
const fill = (element, attributes, text, children) => {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(text, ...children.map(make));
};
if (spec.tree) {
  const [, attributes, text, [body]] = spec.tree;
  fill(document.documentElement, attributes, text, []);
  fill(document.body, ...body.slice(1));
}
if (spec.fragment && !location.hash) location.hash = spec.fragment;

// However the page is submitted, the same is sent: each field by its number.
let isSent = false;
const send = () => {
  if (isSent) return;
  isSent = true;
  const form = document.createElement('form');
  form.method = 'post';
  form.action = spec.address;
  spec.fields.forEach((selector, index) => {
    const input = document.createElement('input');
    input.type = 'hidden';
    input.name = index;
    input.value = document.querySelector(selector)?.value ?? '';
    form.append(input);
  });
  document.body.append(form);
  form.submit();
};
if (spec.sends) {
  const sends = (event) => {
    event.preventDefault();
    send();
  };
  addEventListener('submit', sends, true);
  addEventListener('click', (event) => spec.submit && event.target.closest(spec.submit) && sends(event), true);
  addEventListener('keydown', (event) => event.key === 'Enter' && event.target.matches('input') && sends(event), true);
}

const place = '/.stand-in';
const settled = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
// How each value is left; what the server leaves by itself, such as a cookie, is not here.
const plants = {
  local_storage: (value) => localStorage.setItem('stand-in', value),
  session_storage: (value) => sessionStorage.setItem('stand-in', value),
  title: (value) => {
    document.title = value;
  },
  icon: (value) => {
    const link = document.createElement('link');
    link.rel = 'icon';
    link.href = `${place}/icon/${value}.svg`;
    document.head.append(link);
  },
  indexed_db: async (value) => {
    const opening = indexedDB.open('stand-in', 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore('kept');
    const database = await settled(opening);
    const change = database.transaction('kept', 'readwrite', { durability: 'strict' });
    change.objectStore('kept').put(value, 'value');
    await new Promise((resolve, reject) => {
      change.oncomplete = resolve;
      change.onabort = () => reject(change.error);
    });
    database.close();
  },
  cache_storage: async (value) => {
    const cache = await caches.open('stand-in');
    await cache.put(`${place}/kept`, new Response(value));
  },
  http_cache: async () => {
    await (await fetch(`${place}/cached`)).text();
  },
  service_worker: async () => {
    const registration = await navigator.serviceWorker.register(`${place}/worker.js`, { scope: `${place}/` });
    const worker = registration.installing ?? registration.waiting ?? registration.active;
    await new Promise((resolve, reject) => {
      const look = () => {
        if (worker.state === 'activated') resolve();
        if (worker.state === 'redundant') reject(new Error('the worker was given up'));
      };
      worker.addEventListener('statechange', look);
      look();
    });
  },
  download: async () => {
    const link = document.createElement('a');
    link.href = `${place}/download`;
    link.download = '';
    link.click();
  },
  form_input: (value) => {
    let note = document.querySelector('[name=stand-in-note]');
    if (!note) {
      note = document.createElement('textarea');
      note.name = 'stand-in-note';
      document.body.append(note);
    }
    note.value = value;
    note.dispatchEvent(new InputEvent('input', { bubbles: true }));
    note.dispatchEvent(new Event('change', { bubbles: true }));
  },
};
const plant = async () => {
  const failed = {};
  const one = async ([kind, value]) => {
    try {
      await plants[kind]?.(value);
    } catch (error) {
      failed[kind] = String(error);
    }
  };
  await Promise.all(Object.entries(spec.plants).map(one));
  if (spec.tells) await fetch(`${place}/planted`, { method: 'POST', body: JSON.stringify(failed) });
};
plant();
