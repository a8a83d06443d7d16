# man: the manual pages
dist_man_MANS = man/poterne.1 man/poterne-audit.1 man/poterne.conf.5 man/poterne-files.5 man/poterned.8
