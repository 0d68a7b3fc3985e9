/* A JupyterLab extension without a build chain: the module-federation container that JupyterLab asks for, by hand.
 *
 * JupyterLab calls init() with the modules it shares (name -> version -> {get}), then get('./extension') for the plugins.
 * What the server knows (machine, home, Hub) comes in the page's configuration under "remuda": no request of our own.
 */
(() => {
  'use strict';
  let shared = {};

  /** A module that JupyterLab shares, in the version it runs. */
  const load = async name => {
    const versions = shared[name];
    const [version] = Object.keys(versions);
    return (await versions[version].get())();
  };

  const facts = PageConfig => {
    try {
      return JSON.parse(PageConfig.getOption('remuda') || '{}');
    } catch {
      return {};
    }
  };

  /** JupyterLab opens the launcher only after its saved layout was written back: about a second of waiting for two
   *  500 ms timers. Nothing depends on it, so an empty main area gets its launcher as soon as the layout is restored. */
  const launcher = PageConfig => ({
    id: 'remuda:launcher',
    description: 'Opens the launcher as soon as the layout is restored.',
    autoStart: true,
    activate: app => {
      void app.restored.then(() => {
        const opensSomething = PageConfig.getOption('treePath') || /[?&](clone|reset|path|file-browser-path)\b/.test(location.search);
        const { shell, commands } = app;
        if (!opensSomething && shell.isEmpty && shell.isEmpty('main') && commands.hasCommand('launcher:create')) {
          void commands.execute('launcher:create');
        }
      });
    }
  });

  const element = (tag, attributes, ...children) => {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    node.append(...children);
    return node;
  };

  /** Save what is open, then leave for the Hub's page, which brings the person back to this very page. */
  const switchMachine = async (app, url) => {
    try {
      if (app.commands.hasCommand('docmanager:save-all')) await app.commands.execute('docmanager:save-all');
    } catch (error) {
      console.warn('Not everything could be saved before switching', error);
    }
    const here = location.pathname + location.search + location.hash;
    location.assign(url + (url.includes('?') ? '&' : '?') + 'next=' + encodeURIComponent(here));
  };

  const machine = (PageConfig, Widget) => ({
    id: 'remuda:machine',
    description: 'Shows the machine and its price in the top bar, with the way to another machine.',
    autoStart: true,
    activate: app => {
      const { machine: known, switchUrl } = facts(PageConfig);
      if (!known && !switchUrl) return;
      const node = element('div', { class: 'remuda-machine' });
      Object.assign(node.style, { display: 'flex', alignItems: 'center', justifyContent: 'flex-end', flex: '1 1 auto', gap: '12px', padding: '0 12px', whiteSpace: 'nowrap' });
      if (known) node.append(element('span', { title: known.details, 'data-remuda': 'machine' }, known.label));
      if (switchUrl) {
        const link = element('a', { href: switchUrl, class: 'remuda-switch', 'data-remuda': 'switch' }, 'Switch machine');
        Object.assign(link.style, { color: 'var(--jp-content-link-color)', textDecoration: 'underline' });
        link.addEventListener('click', event => {
          if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
          event.preventDefault();
          void switchMachine(app, switchUrl);
        });
        node.append(link);
        app.commands.addCommand('remuda:switch-machine', {
          label: 'Switch machine',
          caption: 'Go on with this page on another machine',
          execute: () => switchMachine(app, switchUrl)
        });
      }
      const widget = new Widget({ node });
      widget.id = 'remuda-machine';
      app.shell.add(widget, 'top', { rank: 900 });
    }
  });

  const notices = (PageConfig, Notification) => ({
    id: 'remuda:notices',
    description: 'Tells what the person should know about this server, such as a full home.',
    autoStart: true,
    activate: app => {
      const list = facts(PageConfig).notices || [];
      if (list.length) void app.restored.then(() => list.forEach(text => Notification.warning(text, { autoClose: false })));
    }
  });

  const KERNEL_LIMIT_MS = 120000;

  /** Until a first kernel has been asked for, JupyterLab drops a cell that is run, and asks for a second kernel. A person
   *  who types fast loses the run, most of all where a kernel takes seconds to start. So it waits here: in order, and
   *  no longer than the limit, after which JupyterLab does as it would have done. */
  const kernelAskedFor = async ({ cell, sessionContext }) => {
    if (cell.model.type !== 'code' || !sessionContext || sessionContext.isReady || sessionContext.session?.kernel) return;
    cell.model.executionState = 'running';
    let timer;
    const limit = new Promise(resolve => (timer = setTimeout(resolve, KERNEL_LIMIT_MS)));
    try {
      await Promise.race([sessionContext.initialize(), sessionContext.ready, limit]); // a second initialize() joins the first
    } catch (error) {
      console.warn('No kernel could be asked for', error);
    } finally {
      clearTimeout(timer);
      if (!cell.isDisposed) cell.model.executionState = 'idle';
    }
  };

  /** Takes the place of JupyterLab's own executor, which stays for when this extension is off. */
  const executor = ({ INotebookCellExecutor, runCell }) => ({
    id: 'remuda:cell-executor',
    description: 'Runs cells, those too that are run before the kernel is there.',
    autoStart: true,
    provides: INotebookCellExecutor,
    activate: () =>
      Object.freeze({
        runCell: async options => {
          await kernelAskedFor(options);
          return options.cell.isDisposed ? false : runCell(options);
        }
      })
  });

  const container = {
    init: scope => {
      shared = scope;
    },
    get: async module => {
      if (module !== './extension') throw new Error(`remuda has no module ${module}`);
      const [{ PageConfig }, { Widget }, { Notification }, notebook] = await Promise.all(
        ['@jupyterlab/coreutils', '@lumino/widgets', '@jupyterlab/apputils', '@jupyterlab/notebook'].map(load)
      );
      const plugins = [launcher(PageConfig), machine(PageConfig, Widget), notices(PageConfig, Notification)];
      if (notebook.INotebookCellExecutor) plugins.push(executor(notebook));
      return () => ({ __esModule: true, default: plugins });
    }
  };
  window._JUPYTERLAB = window._JUPYTERLAB || {};
  window._JUPYTERLAB.remuda = container;
})();
