#!/usr/bin/perl
# The engines on third parties' data: mail made to hide EICAR from scanners, public signatures as a realistic load,
# and real mail, most of which is clean.
use strict;
use warnings;
use File::Copy qw(copy);
use File::Path qw(make_path remove_tree);
use IPC::Open3 qw(open3);
use Symbol qw(gensym);
use Test::More;
use lib 't/lib';
use Poterne::Data qw(corpus_messages unpacked);

use constant MESSAGES => $ENV{POTERNE_TEST_ALL} ? 2000 : 150;

my $program = ( $ENV{POTERNE_BUILD} // 'build' ) . '/t/parity/av_scan';
plan skip_all => "$program is not built" if !-x $program;
my $demo = 'antivirus/demo';

# {path}{engine} = [result, name]; and what was said on standard error.
sub scan {
    my ( $clamav, $yara, @files ) = @_;
    my %answers;
    my $pid = open3( my $in, my $out, my $err = gensym(), $program, $clamav, $yara, @files );
    close $in;
    my @lines = <$out>;
    my @said = <$err>;
    waitpid $pid, 0;
    for (@lines) {
        my ( $path, $engine, $result, undef, $name ) = split ' ', $_, 5;
        chomp( $name //= '' );
        $answers{$path}{$engine} = [ $result, $name ];
    }
    return ( \%answers, join '', @said );
}

sub subject {
    my ($path) = @_;
    open my $file, '<', $path or die "$path: $!\n";
    my ($subject) = grep {/^Subject:/} <$file>;
    close $file;
    return $subject // "$path\n";
}

sub with_result {
    my ( $answers, $result ) = @_;
    return grep {
        my $file = $answers->{$_};
        grep { $_->[0] eq $result } values %{$file}
    } sort keys %{$answers};
}

# At most so many of a kind that is looked at file by file: hits in real mail are those of the rules.
sub flatten {
    my ( $from, $to ) = @_;
    remove_tree($to);
    make_path($to);
    my $n = 0;
    for my $path ( sort grep { -f && !/SOURCE|LICENSE|README|\.py$|\.txt$/ } glob("$from/*/*") ) {
        my ($suffix) = $path =~ /\.(\w+)\z/;
        copy( $path, sprintf '%s/%03d.%s', $to, $n++, $suffix ) if $suffix =~ /^(?:ndb|ldb|hdb|ign2)$/;
    }
    return $n;
}

subtest 'mail that hides EICAR' => sub {
    my $suites = unpacked('suites/suites') or plan skip_all => Poterne::Data::folder() . '/suites is not there';
    my @files = glob "$suites/mime-evasion/hide-content.d/*";
    my ( $answers, $said ) = scan( "$demo/clamav", "$demo/yara", @files );
    my %infected = map { ( $_ => 1 ) } with_result( $answers, 'infected' );
    my @missed = grep { !$infected{$_} } @files;
    is( scalar @missed, 0, scalar(@files) . ' samples are found' ) or diag( map { subject($_) } @missed );
};

# They come with LF; on the way through SMTP that is CR LF.
subtest 'the same with CR LF' => sub {
    my $suites = unpacked('suites/suites') or plan skip_all => Poterne::Data::folder() . '/suites is not there';
    my $folder = 'build/data/evasion-crlf';
    remove_tree($folder);
    make_path($folder);
    my $n = 0;
    for my $path ( glob "$suites/mime-evasion/hide-content.d/*" ) {
        open my $in, '<:raw', $path or die "$path: $!\n";
        my $mail = do { local $/ = undef; <$in> };
        close $in;
        open my $out, '>:raw', sprintf '%s/%03d', $folder, $n++ or die "$folder: $!\n";
        print {$out} $mail =~ s/(?<!\r)\n/\r\n/gr;
        close $out or die "$folder: $!\n";
    }
    my @files = glob "$folder/*";
    my ( $answers, $said ) = scan( "$demo/clamav", q(), @files );
    my %infected = map { ( $_ => 1 ) } with_result( $answers, 'infected' );
    my @missed = grep { !$infected{$_} } @files;
    is( scalar @missed, 0, scalar(@files) . ' samples are found' ) or diag( map { subject($_) } @missed );
};

# Each has one attachment that programs show as "file.zip", or with what stands within the name.
subtest 'mail that hides a file name' => sub {
    my $suites = unpacked('suites/suites') or plan skip_all => Poterne::Data::folder() . '/suites is not there';
    my @files = glob "$suites/mime-evasion/hide-filename.d/*";
    my %seen;
    open my $names, '-|', $program =~ s/av_scan\z/av_names/r, @files or die "av_names: $!\n";
    while (<$names>) {
        my ( $path, undef, undef, $name ) = split ' ', $_, 4;
        $seen{$path} = 1 if ( $name // q() ) =~ /^file;?\.zip$/;
    }
    close $names or die "av_names failed\n";
    my @missed = grep { !$seen{$_} } @files;
    is( scalar @missed, 0, 'in all ' . scalar(@files) . ' samples the name is found' )
        or diag( map { subject($_) } @missed );
};

subtest 'public ClamAV signatures' => sub {
    my $signatures = unpacked('signatures') or plan skip_all => Poterne::Data::folder() . '/signatures is not there';
    my @mail = map { $_->[1] } corpus_messages(MESSAGES) or plan skip_all => 'no corpora';
    ok( flatten( "$signatures/clamav", 'build/data/clamav' ) > 5, 'several files' );
    my ( $answers, $said ) = scan( 'build/data/clamav', '', @mail );
    is( scalar keys %{$answers}, scalar @mail, 'all were scanned' ) or diag($said);
    is( scalar with_result( $answers, 'failed' ), 0, 'none failed' );
    diag("ClamAV, public signatures: $said");
};

subtest 'public YARA rules' => sub {
    my $signatures = unpacked('signatures') or plan skip_all => Poterne::Data::folder() . '/signatures is not there';
    my @mail = map { $_->[1] } corpus_messages(MESSAGES) or plan skip_all => 'no corpora';
    for my $set (qw(bartblaze elceef yara-rules/maldocs)) {
        my ( $answers, $said ) = scan( '', "$signatures/yara/$set", @mail );
        is( scalar keys %{$answers}, scalar @mail, "$set: all were scanned" ) or diag($said);
        is( scalar with_result( $answers, 'failed' ), 0, "$set: none failed" );
    }
    my ( undef, $foreign ) = scan( '', "$signatures/yara/inquest-yara-vt", $mail[0] );
    like( $foreign, qr/Outlook_Phish\.yar:25: undefined identifier/, 'rules for another place: file and line' );
    my ( undef, $any ) = scan( '', "$signatures/yara/yara-rules/email", $mail[0] );
    like( $any, qr/harmless test letter.*attach/, 'rules that match all mail are refused' );
};

subtest 'real mail' => sub {
    my @mail = map { $_->[1] } corpus_messages(MESSAGES) or plan skip_all => 'no corpora';
    my ( $answers, $said ) = scan( "$demo/clamav", "$demo/yara", @mail );
    is( scalar keys %{$answers}, scalar @mail, 'all were scanned' ) or diag($said);
    is( join( ' ', with_result( $answers, $_ ) ), '', "none is $_" ) for qw(infected failed);
    cmp_ok( scalar with_result( $answers, 'unscannable' ), '<=', @mail / 50, 'few are unscannable' );
    diag("ClamAV and YARA, one signature each: $said");
};

done_testing();
