#!/usr/bin/perl
# The daily backup can't even begin: its settings can't be read, its command is not there. The managers
# hear of it by mail, once, with what is wrong. (The clock is moved to when it is due.)
use strict;
use warnings;

use Cwd qw(getcwd);
use File::Temp qw(tempdir);
use MIME::QuotedPrint qw(decode_qp);
use Test::More;
use lib 't/lib';
use Poterne::Faults;
use Poterne::Files qw(write_file);
use Poterne::Gateway;
use Poterne::Process qw(command_output wait_until);

plan skip_all => Poterne::Faults::missing() if Poterne::Faults::missing();

use constant { PATIENCE => 90, SOON => 300, TRIES => 3 };    # DAILY_BACKUP_SOON, DAILY_BACKUP_TRIES

my $to = 'boss@box.example';
my $top = tempdir( 'poterne-untold-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
chmod 0755, $top;

# Where poterne itself is not beside the programs, nor installed.
sub programs_without_command {
    my ($build) = @_;
    mkdir $_ for "$top/alone", "$top/alone/gateway";
    symlink $_, "$top/alone/gateway/" . s{^.*/}{}r or die "$!\n" for grep { -x && -f } glob "$build/gateway/poterne*";
    return "$top/alone/gateway";
}

# A gateway whose backup is due in two hours, by a clock that the test has.
sub start {
    my ( $name, %option ) = @_;
    my $faults = Poterne::Faults->new;
    my @due = localtime( time + 2 * 3600 );
    my $gateway = Poterne::Gateway->new(
        root     => "$top/$name",
        settings => { '' => { managers => "{ $to }" }, backup => { at => sprintf '"%02d:%02d"', @due[ 2, 1 ] } },
        domains  => { 'box.example' => { next_hop => Poterne::Gateway::maildir_hop("$top/$name"), recipients => [$to] } },
        %option
    );
    $faults->loaded( sub { $gateway->start } );
    return ( $gateway, $faults );
}

sub letters {
    my ($gateway) = @_;
    return map { decode_qp($_) } grep {/^Subject: mx\.poterne\.example: no backup was made/m} $gateway->maildir_messages($to);
}

# --- settings that can't be read ---

{
    my ( $gateway, $faults ) = start('settings');
    write_file( $gateway->{conf}, $gateway->conf_text . "nonsense = 1\n" );
    my $line = () = $gateway->conf_text =~ /\n/g;
    $faults->clock( 2 * 3600 );
    ok( wait_until( PATIENCE, sub { scalar letters($gateway) } ), 'settings that can not be read: the managers hear of it' ) or diag( $gateway->log_end );
    my ($letter) = letters($gateway);
    like( $letter // '', qr/The daily backup of mx\.poterne\.example into \S+backups failed:/, '… which backup' );
    like( $letter // '', qr/\S+poterne\.conf:@{[ $line + 1 ]}/, '… and in which line' );
    ok( !-e "$gateway->{root}/state/reports/backup-failed", '… and what poterned left is gone' );
    ok( $gateway->wait_for_empty_queue(PATIENCE), '… so that it comes once' );
    is( scalar( () = letters($gateway) ), 1, '… that is one letter' );

    # a note that waits is in no backup
    $gateway->write_conf;
    $gateway->signal_role( STOP => 'reports' );
    write_file( "$gateway->{root}/state/reports/backup-failed", "a note of today\n" );
    my ( $status, $said ) = $gateway->poterne('backup');
    is( $status, 0, 'mended, a backup is made' ) or diag($said);
    my ( undef, $found ) = command_output( 'grep', '-rl', 'a note of today', "$gateway->{root}/state/backups" );
    is( $found, '', '… without what waits to be told of another' );
    chmod 0666, "$gateway->{root}/state/reports/backup-failed";
    $gateway->signal_role( CONT => 'reports' );
    ok( wait_until( PATIENCE, sub { letters($gateway) == 2 } ), '… which is told' );
    is( $gateway->stop, 0, 'all ends well' );
}

# --- its command is not there ---

SKIP: {
    my $build = $ENV{POTERNE_BUILD} // 'build';
    $build = getcwd() . "/$build" if $build !~ m{^/};
    my $installed = ( command_output( 'sh', '-c', 'strings "$1" | grep -x "/.*/bin"', 'sh', "$build/gateway/poterned" ) )[1];
    chomp $installed;
    skip 'poterne is installed where this build looks for it', 4 if !$installed || -e "$installed/poterne";
    my $programs = programs_without_command($build);
    my ( $gateway, $faults ) = start( 'command', under => [ 'sh', '-c', 'exec "$@" --programs ' . $programs, 'sh' ] );
    my $tried = sub { scalar( () = $gateway->log_text =~ /no daily backup was made: cannot run/g ) };
    my $at = 2 * 3600;
    my $told = wait_until(
        PATIENCE,
        sub {
            $faults->clock($at);    # as if they had waited for the next try
            $at += SOON + 1;
            sleep 1;
            return scalar letters($gateway);
        }
    );
    ok( $told, 'its command is not there: what lasts the managers hear of' ) or diag( $gateway->log_end );
    cmp_ok( $tried->(), '>=', TRIES, '… and not of a try that an upgrade came in between' );
    like( ( letters($gateway) )[0] // '', qr/the command poterne can't be run/, '… with what it is' );
    is( $gateway->stop, 0, 'all ends well' );
}

done_testing();
