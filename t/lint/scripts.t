#!/usr/bin/perl
# Shell, Perl and manual pages of the project, each through its own checker.
use strict;
use warnings;
use Test::More;
use lib 't/lib';
use Poterne::Tree qw(tree_files slurp command_there);

sub checked {
    my ( $tool, $command, @paths ) = @_;
SKIP: {
        skip "$tool is not installed", scalar @paths if !command_there($tool);
        for my $path (@paths) {
            my $said = `$command '$path' 2>&1`;
            ok( $? == 0, "$tool: $path" ) or diag($said);
        }
    }
    return;
}

my %kind = map { $_ => slurp($_) =~ m{\A\#!\s*/\S*/(?:env\s+)?(\w+)} ? $1 : '' }
    grep { -x $_ || /\.(?:sh|t|pl)$/ } tree_files(qr{^(?!.*\.(?:c|h)$)});
ok( -x, "$_ is executable" ) for tree_files(qr/\.t$/);
checked( 'shellcheck', 'shellcheck -x', grep { $kind{$_} =~ /^(?:sh|bash)$/ || /\.sh$/ } sort keys %kind );
checked( 'perl', 'perl -It/lib -wc', ( grep { $kind{$_} eq 'perl' } sort keys %kind ), tree_files(qr/\.pm$/) );
checked( 'mandoc', 'mandoc -T lint -W warning', tree_files(qr{^man/.*\.\d$}) );
done_testing();
