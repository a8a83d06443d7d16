#!/usr/bin/perl
# Rules that ask the DNS beside the real SpamAssassin, with local tests only off: both ask for whatever they
# like, of a server whose answers follow from the name, so that about a third of all names are listed.
# Compared are the rules of Debian's set that ask, and those of network.cf, on every 40th message of both
# corpora (every 8th with POTERNE_TEST_ALL=1). README.md here says what differs, and why.
use strict;
use warnings;

use File::Temp qw(tempdir);
use Test::More;
use lib 't/lib';
use Poterne::ListsServer;
use Poterne::SpamAssassin;

use constant HITS_AGREE => 99.9;    # in percent

my $build = $ENV{POTERNE_BUILD} // 'build';
my $program = "$build/t/parity/rules_hits";
my @paths = Poterne::SpamAssassin::paths_or_skip( $program, 40 );
@paths = @paths[ grep { $_ % 8 == 0 } 0 .. $#paths ] if $ENV{POTERNE_TEST_ALL};
my $folder = tempdir( 'poterne-network-XXXXXX', TMPDIR => 1, CLEANUP => 1 );

sub slurp { return Poterne::SpamAssassin::slurp_raw(shift) }

# Zones of the rules' lists, and names of the rules.
my ( %zone, %name );
my $text = join "\n", map { slurp($_) } glob Poterne::SpamAssassin::RULES . '/*.cf';
for ( "$text\n" . slurp('t/parity/network.cf') ) {
    $zone{$1}++ while /^\s*uri\w+\s+\w+\s+(\S+?)[.]?\s+(?:A|TXT)\b/gm;
    $zone{$2}++ while /eval:check_rbl(?!_sub)\w*\(\s*(['"]).*?\1\s*,\s*['"](\S+?)[.]?['"]/g;
    $zone{$1}++ while /^\s*askdns\s+\w+\s+_\w+_[.]([\w.-]+?)[.]?\s/gm;
    $name{$1}++ while /^\s*\w+\s+(\w+)\s+eval:check_(?:rbl|uridnsbl)/gm;
    $name{$1}++ while /^\s*(?:askdns\s+(?=\w)|meta\s+(?=NET_))(\w+)/gm;
}
@Poterne::ListsServer::lists = sort grep { !/^name$|list[.]example$/ } keys %zone;
push @Poterne::ListsServer::lists, 'list.example';

my $server = Poterne::ListsServer::start();
END { Poterne::ListsServer::stop($server) if $server }
my $net = { port => $server->{port}, rules => slurp('t/parity/network.cf') };
Poterne::SpamAssassin::write_site( $folder, $net );
Poterne::SpamAssassin::put( "$folder/lists", map {"$_\n"} @Poterne::ListsServer::lists );
Poterne::SpamAssassin::put( "$folder/paths", map {"$_\n"} @paths );

my @rules = Poterne::SpamAssassin::rule_options($folder);
my $command = join ' ', $program, @rules, "--lists $folder/lists --messages - <$folder/paths 2>$folder/errors";
open my $from, '-|', $command or die "$program: $!\n";
my $ours = { map { chomp; split /\t/, $_, 2 } <$from> };
close $from;
is( keys %$ours, @paths, 'every message is through' );
my @errors = split /^/, slurp("$folder/errors");
my %beyond = map { /^(.*): \w+ is not known$/ ? ( $1 => 1 ) : () } @errors;
my @mistakes = grep { !/ is not known$/ } @errors;
is( scalar @mistakes, 0, 'every line is understood' ) or diag( join '', splice @mistakes, 0, 20 );

# Of more links than are looked at SpamAssassin takes some at random.
cmp_ok( scalar keys %beyond, '<=', 1 + @paths / 500, 'few messages ask for more than is asked' );
delete @$ours{ keys %beyond };
@paths = grep { !$beyond{$_} } @paths;

my $theirs = Poterne::SpamAssassin::answers( \@paths, 2, undef, $net );
for my $side ( $ours, $theirs ) {
    for ( values %$side ) {
        my ( undef, $rules ) = split /\t/, $_, 2;
        $_ = "0\t" . join ',', grep { $name{$_} } split /,/, $rules;
    }
}
my $sum = Poterne::SpamAssassin::compare( $theirs, $ours );
my $hits = Poterne::SpamAssassin::agreement($sum);
diag( sprintf '%d messages, SpamAssassin %s: %.3f %% of %d hits of %d rules agree', $sum->{messages},
    Poterne::SpamAssassin::version(), $hits, $sum->{both} + $sum->{theirs} + $sum->{ours}, scalar keys %{ $sum->{rules} } );
note($_) for Poterne::SpamAssassin::table( $sum, 40 );
cmp_ok( $sum->{both}, '>=', $sum->{messages}, 'there is something to compare' );
cmp_ok( $hits, '>=', HITS_AGREE, 'hits agree' );
done_testing();
