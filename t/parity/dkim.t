#!/usr/bin/perl
# The messages of Mail::DKIM's test suite, with its zone: each ends as its name says. Most are older than RFC 8301
# (rsa-sha1, keys of 512 bits), so they are verified as at their time; and once more as today.
use strict;
use warnings;
use Test::More;
use lib 't/lib';
use Poterne::Data qw(unpacked);

my $program = ( $ENV{POTERNE_BUILD} // 'build' ) . '/t/parity/dkim_results';
plan skip_all => "$program is not built" if !-x $program;
my $suites = unpacked('suites/suites') or plan skip_all => Poterne::Data::folder() . '/suites is not there';

# Its own format to ours: NAME text | NAME NXDOMAIN | NAME ~~error~~
sub write_zone {
    my ( $from, $to ) = @_;
    open my $in, '<', $from or die "$from: $!\n";
    open my $out, '>', $to or die "$to: $!\n";
    while (<$in>) {
        next if /^\s*(?:#|$)/ || /NXDOMAIN/;
        my ( $name, $text ) = /^(\S+)\s+(.*)$/ or die "$from:$.: what is this?\n";
        $text =~ s/^""$//;
        print {$out} $text =~ /^~~/ ? "$name TEMPFAIL\n" : "$name TXT $text\n";
    }
    close $out or die "$to: $!\n";
    return;
}

sub results {
    my (@arguments) = @_;
    my %found;
    open my $run, '-|', $program, @arguments or die "$program: $!\n";
    while (<$run>) {
        my ( $path, @results ) = split;
        $found{ $path =~ s{^.*/|\.txt$}{}gr } = "@results";
    }
    close $run or die "$program failed\n";
    return %found;
}

# Where the name alone does not say it.
my %special = (
    bad_1        => 'neutral', # a draft without v=
    good_ietf00_1 => 'neutral',
    badkey_14    => 'temperror',
    badkey_15    => 'temperror',
    multiple_1   => 'neutral neutral neutral neutral',
    multiple_2   => 'neutral pass fail neutral',
    # g= in a key is gone since RFC 6376, and no reason to fail
    ( map { ( $_ => 'pass' ) } qw(badkey_8 badkey_9 badkey_12 badkey_13) ),
    ignore_5 => 'permerror', # q= names no method that there is
    ignore_6 => 'permerror',
    ignore_7 => 'permerror', # expired
);

sub expected {
    my ($name) = @_;
    return qr/^$special{$name}$/ if exists $special{$name};
    return qr/^none$/ if $name =~ /dk_/; # DomainKeys are no DKIM
    return qr/^neutral$/ if $name =~ /ietf0[01]_/; # drafts without v=
    return qr/^pass$/ if $name =~ /^(?:good|mine|no_body)/;
    return qr/^(?:fail|permerror)$/ if $name =~ /^bad/;
    return qr/^neutral$/ if $name =~ /^ignore/;
    return qr/^no rule for this name$/;
}

my $zone = "$suites/dkim.zone";
write_zone( "$suites/dkim/FAKE_DNS.dat", $zone );
my @files = sort glob "$suites/dkim/corpus/*.txt";
my %then = results( '--lax', $zone, @files );
my %today = results( $zone, @files );
is( scalar keys %then, scalar @files, 'a result for each of ' . scalar @files . ' messages' );
like( $then{$_}, expected($_), $_ ) for sort keys %then;

my %passes = map { ( $_ => 1 ) } grep { $today{$_} =~ /pass/ } keys %today;
is( join( ' ', sort keys %passes ), 'goodkey_ed25519', 'of these, RFC 8301 leaves one' );
done_testing();
