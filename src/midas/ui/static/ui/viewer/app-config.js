/* The configuration of the vendored viewer (OHIF 3.13). It runs before the viewer and takes from the page's own address
   what there is to look at: /viewer/releases/oral-cancer@1.0.0/… shows /dicomweb/releases/oral-cancer@1.0.0. */
(() => {
  'use strict';
  const page = document.documentElement.dataset;
  const [, base, below] = location.pathname.match(/^(\/viewer\/((?:releases|twins|drafts|tasks)\/[^/]+))/);
  const root = `${location.origin}/dicomweb/${below}`;

  console.time('scriptToView');  // the viewer stops this clock at its first image
  window.PUBLIC_URL = `/static/${page.folder}`;
  window.browserImportFunction = path => import(window.PUBLIC_URL + path.replace(/^\//, ''));

  const logo = React => React.createElement(
    'a', { href: page.back, title: page.backTitle, className: 'flex items-center gap-2 text-white no-underline px-2' },
    React.createElement('img', { src: '/static/ui/mark.svg', width: 26, height: 26, alt: '' }),
    React.createElement('span', { className: 'text-lg font-semibold' }, 'MIDAS'),
    React.createElement('span', { className: 'text-sm opacity-80 whitespace-nowrap' }, page.name));

  window.config = {
    name: 'midas',
    routerBasename: base,
    extensions: [],
    modes: [],
    showStudyList: true,
    maxNumberOfWebWorkers: 3,
    showWarningMessageForCrossOrigin: false,
    showCPUFallbackMessage: true,
    showLoadingIndicator: true,
    strictZSpacingForVolumeViewport: true,
    groupEnabledModesFirst: true,
    showErrorDetails: 'production',
    investigationalUseDialog: { option: 'never' },
    disableConfirmationPrompts: true,
    measurementTrackingMode: 'simplified',
    whiteLabeling: { createLogoComponentFn: logo },
    customizationService: [{ 'ohif.tours': { $set: [] } }],
    maxNumRequests: { interaction: 100, thumbnail: 5, prefetch: 25 },
    defaultDataSourceName: 'midas',
    dataSources: [{
      namespace: '@ohif/extension-default.dataSourcesModule.dicomweb',
      sourceName: 'midas',
      configuration: {
        friendlyName: page.name,
        name: 'midas',
        qidoRoot: root,
        wadoRoot: root,
        wadoUriRoot: root,
        qidoSupportsIncludeField: true,
        supportsReject: false,
        supportsFuzzyMatching: true,
        supportsWildcard: true,
        imageRendering: 'wadors',
        thumbnailRendering: 'thumbnail',
        thumbnailRequestStrategy: 'fetch',
        enableStudyLazyLoad: true,
        dicomUploadEnabled: false,
        omitQuotationForMultipartRequest: true,
        singlepart: 'bulkdata,video',
        bulkDataURI: { enabled: true, relativeResolution: 'studies' },
      },
    }],
    httpErrorHandler: error => {
      if (error && error.status === 401) location.assign(`/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`);
    },
  };
})();
